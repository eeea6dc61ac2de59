// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Claim, IRoyaltyDistributor} from "../interfaces/IRoyaltyDistributor.sol";
import {BlacklistToken} from "./tokens/OddTokens.sol";
import {RootModel} from "./RootModel.sol";

/// @notice What a root pays, to whom, and what it never pays.
contract RoyaltyDistributorClaimsTest is RootModel {
    /* CLAIMS */

    function test_anyone_claims_for_a_payee_and_the_payee_is_paid() external {
        fund(100);
        activePair(60, 40);
        vm.expectEmit(address(distributor));
        emit IRoyaltyDistributor.Claimed(A, A, 1, 60, 60);
        vm.prank(stranger);
        distributor.claim(1, A, 60, proof(leaf(B, 40)));
        vm.assertEq(token.balanceOf(A), 60);
        vm.assertEq(distributor.claimed(A), 60);
        vm.assertEq(distributor.totalClaimed(), 60);
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorNothingToClaim.selector, A, 60, 60)
        );
        distributor.claim(1, A, 60, proof(leaf(B, 40)));
    }

    function test_claims_are_cumulative() external {
        fund(300);
        activePair(60, 40);
        distributor.claim(1, A, 60, proof(leaf(B, 40)));
        activePair(150, 150);
        distributor.claim(2, A, 150, proof(leaf(B, 150)));
        vm.assertEq(token.balanceOf(A), 150);
        vm.assertEq(distributor.totalClaimed(), 150);
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorNothingToClaim.selector, A, 60, 150)
        );
        distributor.claim(1, A, 60, proof(leaf(B, 40)));
    }

    function test_a_root_is_claimable_only_when_active() external {
        fund(100);
        uint64 index = submitPair(60, 40);
        uint40 active = clock() + 1 days;
        vm.warp(active - 1);
        bytes memory early =
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorRootNotActive.selector, index, active);
        vm.expectRevert(early);
        distributor.claim(index, A, 60, proof(leaf(B, 40)));
        vm.expectRevert(early);
        distributor.claimMany(index, new Claim[](0));
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorRootUnknown.selector, uint64(2))
        );
        distributor.claim(2, A, 60, proof(leaf(B, 40)));
    }

    function test_a_wrong_amount_payee_or_path_is_refused() external {
        fund(100);
        activePair(60, 40);
        bytes4 invalid = IRoyaltyDistributor.DistributorProofInvalid.selector;
        vm.expectRevert(abi.encodeWithSelector(invalid, A, 61));
        distributor.claim(1, A, 61, proof(leaf(B, 40)));
        vm.expectRevert(abi.encodeWithSelector(invalid, stranger, 60));
        distributor.claim(1, stranger, 60, proof(leaf(B, 40)));
        vm.expectRevert(abi.encodeWithSelector(invalid, A, 60));
        distributor.claim(1, A, 60, new bytes32[](0));
    }

    function test_a_tree_that_promises_too_much_pays_no_more_than_its_total() external {
        fund(1000);
        submit(pair(60, 60), 100);
        skip(1 days);
        distributor.claim(1, A, 60, proof(leaf(B, 60)));
        vm.expectRevert(
            abi.encodeWithSelector(
                IRoyaltyDistributor.DistributorRootExhausted.selector, uint64(1), 100, 120
            )
        );
        distributor.claim(1, B, 60, proof(leaf(A, 60)));
        Claim[] memory claims = new Claim[](1);
        claims[0] = Claim(B, 60, proof(leaf(A, 60)));
        distributor.claimMany(1, claims);
        vm.assertEq(distributor.totalClaimed(), 60);
        vm.assertEq(token.balanceOf(B), 0);
    }

    function test_an_amount_beyond_96_bits_is_never_paid() external {
        fund(1000);
        uint256 huge = (uint256(1) << 96) + 60;
        submit(pair(huge, 40), 100);
        skip(1 days);
        vm.expectRevert(
            abi.encodeWithSelector(
                IRoyaltyDistributor.DistributorRootExhausted.selector, uint64(1), 100, huge
            )
        );
        distributor.claim(1, A, huge, proof(leaf(B, 40)));
    }

    /* RECIPIENTS */

    function test_a_payee_sets_where_it_is_paid() external {
        fund(300);
        vm.assertEq(distributor.recipientOf(A), A);
        vm.expectEmit(address(distributor));
        emit IRoyaltyDistributor.RecipientSet(A, stranger);
        vm.prank(A);
        distributor.setRecipient(stranger);
        vm.assertEq(distributor.recipientOf(A), stranger);
        activePair(60, 40);
        vm.expectEmit(address(distributor));
        emit IRoyaltyDistributor.Claimed(A, stranger, 1, 60, 60);
        distributor.claim(1, A, 60, proof(leaf(B, 40)));
        vm.prank(A);
        distributor.setRecipient(address(0));
        vm.assertEq(distributor.claimed(A), 60);
        activePair(70, 40);
        Claim[] memory claims = new Claim[](1);
        claims[0] = Claim(A, 70, proof(leaf(B, 40)));
        distributor.claimMany(2, claims);
        vm.assertEq(token.balanceOf(stranger), 60);
        vm.assertEq(token.balanceOf(A), 10);
    }

    /* MANY */

    function test_one_that_cannot_receive_does_not_block_the_others() external {
        BlacklistToken listing = new BlacklistToken();
        deploy(IERC20Metadata(address(listing)), address(0));
        fund(100);
        activePair(60, 40);
        listing.list(A, true);
        Claim[] memory claims = new Claim[](2);
        claims[0] = Claim(A, 60, proof(leaf(B, 40)));
        claims[1] = Claim(B, 40, proof(leaf(A, 60)));
        vm.expectEmit(address(distributor));
        emit IRoyaltyDistributor.ClaimSkipped(
            A, 1, abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, token)
        );
        vm.expectEmit(address(distributor));
        emit IRoyaltyDistributor.Claimed(B, B, 1, 40, 40);
        distributor.claimMany(1, claims);
        vm.assertEq(distributor.claimed(A), 0);
        vm.assertEq(distributor.totalClaimed(), 40);
        vm.expectRevert("listed");
        distributor.claim(1, A, 60, proof(leaf(B, 40)));
        // The payee names another recipient and is paid.
        vm.prank(A);
        distributor.setRecipient(stranger);
        distributor.claimMany(1, claims);
        vm.assertEq(token.balanceOf(stranger), 60);
    }

    function test_claims_with_nothing_new_or_a_wrong_proof_are_skipped_with_their_reason() external {
        fund(100);
        activePair(60, 40);
        distributor.claim(1, A, 60, proof(leaf(B, 40)));
        Claim[] memory claims = new Claim[](3);
        claims[0] = Claim(A, 60, proof(leaf(B, 40)));
        claims[1] = Claim(B, 41, proof(leaf(A, 60)));
        claims[2] = Claim(B, 40, proof(leaf(A, 60)));
        vm.expectEmit(address(distributor));
        emit IRoyaltyDistributor.ClaimSkipped(
            A,
            1,
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorNothingToClaim.selector, A, 60, 60)
        );
        vm.expectEmit(address(distributor));
        emit IRoyaltyDistributor.ClaimSkipped(
            B, 1, abi.encodeWithSelector(IRoyaltyDistributor.DistributorProofInvalid.selector, B, 41)
        );
        distributor.claimMany(1, claims);
        vm.assertEq(token.balanceOf(B), 40);
        vm.assertEq(distributor.totalClaimed(), 100);
    }

    function test_the_same_payee_twice_is_paid_once() external {
        fund(100);
        activePair(60, 40);
        Claim[] memory claims = new Claim[](2);
        claims[0] = Claim(A, 60, proof(leaf(B, 40)));
        claims[1] = claims[0];
        distributor.claimMany(1, claims);
        vm.assertEq(token.balanceOf(A), 60);
    }
}
