// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {Claim, Distribution, IRoyaltyDistributor, Root} from "../interfaces/IRoyaltyDistributor.sol";
import {RoyaltyDistributor} from "../src/RoyaltyDistributor.sol";
import {BlacklistToken} from "./tokens/OddTokens.sol";
import {World} from "./World.sol";

contract RoyaltyDistributorTest is World {
    address private constant A = address(0xA);
    address private constant B = address(0xB);

    /// A tree of two leaves; each one's proof is the other.
    function pair(uint256 a, uint256 b) private view returns (bytes32) {
        return Hashes.commutativeKeccak256(leaf(A, a), leaf(B, b));
    }

    function proof(bytes32 sibling) private pure returns (bytes32[] memory path) {
        path = new bytes32[](1);
        path[0] = sibling;
    }

    function submit(bytes32 root, uint256 total) private returns (uint64 index) {
        Distribution memory d = distribution(root, total);
        index = d.rootIndex;
        distributor.submitRoot(d, quorumFor(d));
    }

    function submitPair(uint256 a, uint256 b) private returns (uint64) {
        return submit(pair(a, b), a + b);
    }

    function refuses(Distribution memory d, bytes memory reason) private {
        bytes[] memory signatures = quorumFor(d);
        vm.expectRevert(reason);
        distributor.submitRoot(d, signatures);
    }

    /* SUBMISSION */

    function test_a_quorum_submits_and_everyone_is_told() external {
        fund(100);
        Distribution memory d = distribution(pair(60, 40), 100);
        address[] memory signers = new address[](2);
        (signers[0], signers[1]) = (vm.addr(attesterKeys[0]), vm.addr(attesterKeys[1]));
        vm.expectEmit(address(distributor));
        emit IRoyaltyDistributor.RootSubmitted(
            1, d.root, 100, d.throughL2Block, d.throughL2BlockHash, d.dataHash, clock() + 1 days, signers
        );
        distributor.submitRoot(d, quorumFor(d));
        Root memory root = distributor.root(1);
        vm.assertEq(root.root, d.root);
        vm.assertEq(root.totalCumulative, 100);
        vm.assertEq(root.throughL2Block, d.throughL2Block);
        vm.assertEq(root.activatesAt, clock() + 1 days);
        vm.assertFalse(root.disabled);
        vm.assertEq(distributor.nextRootIndex(), 2);
    }

    function test_a_quorum_is_of_different_attesters_in_order() external {
        fund(100);
        Distribution memory d = distribution(pair(60, 40), 100);
        bytes32 digest = distributor.distributionDigest(d);
        bytes[] memory signatures = new bytes[](1);
        signatures[0] = signature(attesterKeys[0], digest);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyDistributor.DistributorQuorum.selector, 1, 2));
        distributor.submitRoot(d, signatures);

        address first = vm.addr(attesterKeys[0]);
        address second = vm.addr(attesterKeys[1]);
        signatures = new bytes[](2);
        signatures[0] = signature(attesterKeys[0], digest);
        signatures[1] = signatures[0];
        bytes4 order = IRoyaltyDistributor.DistributorSignersNotAscending.selector;
        vm.expectRevert(abi.encodeWithSelector(order, first, first));
        distributor.submitRoot(d, signatures);
        signatures[0] = signature(attesterKeys[1], digest);
        vm.expectRevert(abi.encodeWithSelector(order, second, first));
        distributor.submitRoot(d, signatures);

        uint256 foreign = 0xBAD;
        if (vm.addr(foreign) > first) {
            signatures[0] = signature(attesterKeys[0], digest);
            signatures[1] = signature(foreign, digest);
        } else {
            signatures[0] = signature(foreign, digest);
            signatures[1] = signature(attesterKeys[0], digest);
        }
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorNotAttester.selector, vm.addr(foreign))
        );
        distributor.submitRoot(d, signatures);
    }

    function test_more_than_a_quorum_may_sign() external {
        fund(100);
        Distribution memory d = distribution(pair(60, 40), 100);
        bytes32 digest = distributor.distributionDigest(d);
        bytes[] memory signatures = new bytes[](3);
        for (uint256 i = 0; i < 3; ++i) {
            signatures[i] = signature(attesterKeys[i], digest);
        }
        distributor.submitRoot(d, signatures);
    }

    function test_indices_follow_each_other() external {
        fund(100);
        Distribution memory d = distribution(pair(60, 40), 100);
        d.rootIndex = 2;
        refuses(
            d,
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorRootIndex.selector, uint64(2), uint64(1))
        );
    }

    function test_a_root_is_not_zero() external {
        refuses(distribution(0, 0), abi.encodeWithSelector(IRoyaltyDistributor.DistributorRootZero.selector));
    }

    function test_a_root_promises_no_more_than_batches_paid_in() external {
        fund(100);
        mint(address(distributor), 50);
        refuses(
            distribution(pair(60, 41), 101),
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorTotalNotFunded.selector, 101, 100)
        );
    }

    function test_totals_and_blocks_never_fall() external {
        fund(200);
        submitPair(60, 40);
        refuses(
            distribution(pair(60, 39), 99),
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorTotalFell.selector, 99, 100)
        );
        Distribution memory d = distribution(pair(60, 40), 100);
        d.throughL2Block -= 1;
        refuses(
            d,
            abi.encodeWithSelector(
                IRoyaltyDistributor.DistributorBlockFell.selector, d.throughL2Block, d.throughL2Block + 1
            )
        );
        submitPair(60, 40);
    }

    function test_a_disabled_root_binds_nobody() external {
        fund(200);
        submitPair(60, 40);
        submitPair(100, 100);
        submitPair(100, 100);
        vm.startPrank(vm.addr(attesterKeys[2]));
        distributor.disableRoot(2);
        distributor.disableRoot(3);
        vm.stopPrank();
        refuses(
            distribution(pair(60, 39), 99),
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorTotalFell.selector, 99, 100)
        );
        vm.assertEq(submitPair(60, 41), 4);
    }

    function test_if_all_were_disabled_any_total_may_follow() external {
        fund(200);
        submitPair(100, 100);
        vm.prank(vm.addr(attesterKeys[2]));
        distributor.disableRoot(1);
        vm.assertEq(submitPair(1, 0), 2);
    }

    /* BLOCK HASHES */

    function test_the_block_is_past() external {
        fund(100);
        Distribution memory d = distribution(pair(60, 40), 100);
        d.throughL2Block = uint64(vm.getBlockNumber());
        refuses(
            d,
            abi.encodeWithSelector(
                IRoyaltyDistributor.DistributorBlockNotPast.selector, d.throughL2Block, vm.getBlockNumber()
            )
        );
    }

    function test_a_wrong_hash_of_a_recent_block_is_refused() external {
        fund(100);
        vm.setBlockhash(vm.getBlockNumber() - 5, keccak256("right"));
        Distribution memory d = distribution(pair(60, 40), 100);
        d.throughL2Block = uint64(vm.getBlockNumber() - 5);
        d.throughL2BlockHash = keccak256("wrong");
        refuses(
            d,
            abi.encodeWithSelector(
                IRoyaltyDistributor.DistributorBlockHash.selector,
                d.throughL2Block,
                keccak256("wrong"),
                keccak256("right")
            )
        );
        d.throughL2BlockHash = keccak256("right");
        distributor.submitRoot(d, quorumFor(d));
    }

    function test_an_older_block_is_checked_by_the_history_contract_where_there_is_one() external {
        address history = 0x0000F90827F1C53a10cb7A02335B175320002935;
        fund(100);
        Distribution memory d = distribution(pair(60, 40), 100);
        d.throughL2Block = uint64(vm.getBlockNumber() - 900);
        d.throughL2BlockHash = keccak256("wrong");
        bytes memory question = abi.encode(d.throughL2Block);
        vm.etch(history, hex"00");
        vm.mockCall(history, question, abi.encode(keccak256("right")));
        refuses(
            d,
            abi.encodeWithSelector(
                IRoyaltyDistributor.DistributorBlockHash.selector,
                d.throughL2Block,
                keccak256("wrong"),
                keccak256("right")
            )
        );
        vm.mockCallRevert(history, question, "");
        distributor.submitRoot(d, quorumFor(d));
        vm.mockCall(history, question, abi.encode(bytes32(0)));
        d.rootIndex = 2;
        distributor.submitRoot(d, quorumFor(d));
        vm.etch(history, "");
        vm.clearMockedCalls();
        d.rootIndex = 3;
        distributor.submitRoot(d, quorumFor(d));
    }

    /* VETO */

    function test_one_attester_disables_a_root_before_it_is_active() external {
        fund(100);
        submitPair(60, 40);
        address attester = vm.addr(attesterKeys[1]);
        vm.expectEmit(address(distributor));
        emit IRoyaltyDistributor.RootDisabled(1, attester);
        vm.prank(attester);
        distributor.disableRoot(1);
        skip(1 days);
        bytes memory disabled =
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorRootDisabled.selector, uint64(1));
        vm.expectRevert(disabled);
        distributor.claim(1, A, 60, proof(leaf(B, 40)));
        vm.expectRevert(disabled);
        distributor.claimMany(1, new Claim[](0));
        vm.expectRevert(disabled);
        vm.prank(attester);
        distributor.disableRoot(1);
    }

    function test_a_disabled_root_cannot_be_replayed() external {
        fund(100);
        Distribution memory d = distribution(pair(60, 40), 100);
        bytes[] memory signatures = quorumFor(d);
        distributor.submitRoot(d, signatures);
        vm.prank(vm.addr(attesterKeys[0]));
        distributor.disableRoot(1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IRoyaltyDistributor.DistributorRootIndex.selector, uint64(1), uint64(2)
            )
        );
        distributor.submitRoot(d, signatures);
        d.rootIndex = 2;
        vm.expectRevert();
        distributor.submitRoot(d, signatures);
    }

    function test_an_active_root_stands() external {
        fund(100);
        submitPair(60, 40);
        uint40 active = clock() + 1 days;
        vm.warp(active);
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorRootActive.selector, uint64(1), active)
        );
        vm.prank(vm.addr(attesterKeys[0]));
        distributor.disableRoot(1);
    }

    function test_only_attesters_disable_and_only_roots_that_are_there() external {
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorNotAttester.selector, governor)
        );
        vm.prank(governor);
        distributor.disableRoot(1);
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorRootUnknown.selector, uint64(1))
        );
        vm.prank(vm.addr(attesterKeys[0]));
        distributor.disableRoot(1);
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorRootUnknown.selector, uint64(1))
        );
        distributor.root(1);
    }

    /* CLAIMS */

    function activePair(uint256 a, uint256 b) private returns (uint64 index) {
        index = submitPair(a, b);
        skip(1 days);
    }

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

    /* FUNDING */

    function test_only_the_ledger_funds() external {
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorNotLedger.selector, address(this))
        );
        distributor.fund(1, 1);
        vm.expectEmit(address(distributor));
        emit IRoyaltyDistributor.Funded(7, 100, 100);
        vm.prank(address(ledger));
        distributor.fund(7, 100);
        vm.assertEq(distributor.totalFunded(), 100);
    }

    /* ATTESTERS */

    function test_the_governor_replaces_an_attester_with_notice() external {
        address outgoing = vm.addr(attesterKeys[0]);
        address incoming = vm.addr(0x1111);
        uint40 effective = clock() + 14 days;
        vm.expectEmit(address(distributor));
        emit IRoyaltyDistributor.AttesterReplaced(outgoing, incoming, effective);
        vm.prank(governor);
        distributor.replaceAttester(outgoing, incoming);
        vm.warp(effective - 1);
        vm.assertTrue(distributor.isAttester(outgoing));
        vm.assertFalse(distributor.isAttester(incoming));
        vm.warp(effective);
        vm.assertFalse(distributor.isAttester(outgoing));
        vm.assertTrue(distributor.isAttester(incoming));
    }

    function test_a_replacement_that_is_still_to_come_can_be_replaced() external {
        vm.startPrank(governor);
        address first = vm.addr(attesterKeys[0]);
        distributor.replaceAttester(first, address(0x51));
        skip(1 days);
        distributor.replaceAttester(address(0x51), address(0x52));
        vm.stopPrank();
        skip(13 days);
        // The seat's first replacement serves for the day between the two.
        vm.assertTrue(distributor.isAttester(address(0x51)));
        skip(1 days);
        vm.assertFalse(distributor.isAttester(address(0x51)));
        vm.assertTrue(distributor.isAttester(address(0x52)));
    }

    function test_replacements_are_new_and_replace_someone_who_stays() external {
        address first = vm.addr(attesterKeys[0]);
        address second = vm.addr(attesterKeys[1]);
        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", stranger));
        vm.prank(stranger);
        distributor.replaceAttester(first, stranger);
        vm.startPrank(governor);
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorNotAttester.selector, stranger)
        );
        distributor.replaceAttester(stranger, address(0x51));
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorAttesterUsedBefore.selector, second)
        );
        distributor.replaceAttester(first, second);
        vm.expectRevert(IRoyaltyDistributor.DistributorAddressZero.selector);
        distributor.replaceAttester(first, address(0));
        distributor.replaceAttester(first, address(0x51));
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorNotAttester.selector, first)
        );
        distributor.replaceAttester(first, address(0x52));
        vm.stopPrank();
    }

    function test_a_deployment_needs_a_quorum_of_different_attesters() external {
        address[] memory none = new address[](0);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyDistributor.DistributorQuorum.selector, 0, 1));
        new RoyaltyDistributor(token, address(1), governor, none, 1);
        address[] memory two = new address[](2);
        (two[0], two[1]) = (A, A);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyDistributor.DistributorQuorum.selector, 2, 0));
        new RoyaltyDistributor(token, address(1), governor, two, 0);
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorAttesterUsedBefore.selector, A)
        );
        new RoyaltyDistributor(token, address(1), governor, two, 1);
        two[1] = address(0);
        vm.expectRevert(IRoyaltyDistributor.DistributorAddressZero.selector);
        new RoyaltyDistributor(token, address(1), governor, two, 1);
        two[1] = B;
        vm.expectRevert(IRoyaltyDistributor.DistributorAddressZero.selector);
        new RoyaltyDistributor(IERC20(address(0)), address(1), governor, two, 1);
        vm.expectRevert(IRoyaltyDistributor.DistributorAddressZero.selector);
        new RoyaltyDistributor(token, address(0), governor, two, 1);
    }
}
