// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {Claim, Distribution, IRoyaltyDistributor} from "../interfaces/IRoyaltyDistributor.sol";
import {HookToken} from "./tokens/OddTokens.sol";
import {World} from "./World.sol";

/// @notice Claims against several roots at once, and from within each other. Every tree has the leaves (A, a) and (B, b).
contract ClaimsTest is World {
    address private constant A = address(0xA);
    address private constant B = address(0xB);

    function submit(uint256 a, uint256 b, uint256 total) private returns (uint64) {
        Distribution memory d = distribution(Hashes.commutativeKeccak256(leaf(A, a), leaf(B, b)), total);
        distributor.submitRoot(d, quorumFor(d));
        return d.rootIndex;
    }

    function active(uint256 a, uint256 b, uint256 total) private returns (uint64 index) {
        index = submit(a, b, total);
        skip(1 days);
    }

    function disable(uint64 index) private {
        vm.prank(vm.addr(attesterKeys[0]));
        distributor.disableRoot(index);
    }

    function beside(bytes32 sibling) private pure returns (bytes32[] memory proof) {
        proof = new bytes32[](1);
        proof[0] = sibling;
    }

    function claimA(uint64 index, uint256 a, uint256 b) private {
        distributor.claim(index, A, a, beside(leaf(B, b)));
    }

    function claimB(uint64 index, uint256 a, uint256 b) private {
        distributor.claim(index, B, b, beside(leaf(A, a)));
    }

    function both(uint256 a, uint256 b) private view returns (Claim[] memory claims) {
        claims = new Claim[](2);
        claims[0] = Claim(A, a, beside(leaf(B, b)));
        claims[1] = Claim(B, b, beside(leaf(A, a)));
    }

    function exhausted(uint64 index, uint256 total, uint256 would) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IRoyaltyDistributor.DistributorRootExhausted.selector, index, total, would);
    }

    /* SEVERAL ROOTS */

    function test_an_active_root_pays_while_a_newer_one_is_pending() external {
        fund(1000);
        active(60, 40, 100);
        uint64 pending = submit(200, 100, 300);
        claimA(1, 60, 40);
        vm.expectRevert(
            abi.encodeWithSelector(
                IRoyaltyDistributor.DistributorRootNotActive.selector, pending, clock() + 1 days
            )
        );
        claimA(pending, 200, 100);
        claimB(1, 60, 40);
        skip(1 days);
        claimA(pending, 200, 100);
        vm.assertEq(token.balanceOf(A), 200);
        vm.assertEq(distributor.totalClaimed(), 240);
    }

    function test_a_disabled_root_is_dropped_for_good() external {
        fund(1000);
        active(60, 40, 100);
        disable(submit(900, 100, 1000));
        skip(1 days);
        bytes memory disabled =
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorRootDisabled.selector, uint64(2));
        vm.expectRevert(disabled);
        claimA(2, 900, 100);
        claimA(1, 60, 40);
        vm.expectRevert(disabled);
        claimA(2, 900, 100);
        vm.expectRevert(disabled);
        distributor.claimMany(2, both(900, 100));
    }

    function test_disabling_a_root_leaves_the_newer_pending_one() external {
        fund(1000);
        uint64 first = submit(60, 40, 100);
        uint64 second = submit(100, 40, 140);
        disable(first);
        skip(1 days);
        claimA(second, 100, 40);
        vm.assertEq(token.balanceOf(A), 100);
    }

    function test_an_older_root_pays_no_more_once_newer_ones_paid_its_total() external {
        fund(1000);
        active(60, 60, 100);
        active(60, 140, 200);
        claimA(2, 60, 140);
        vm.expectRevert(exhausted(1, 100, 120));
        claimB(1, 60, 60);
        claimB(2, 60, 140);
        vm.assertEq(token.balanceOf(B), 140);
    }

    function test_index_zero_is_no_root() external {
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorRootUnknown.selector, uint64(0))
        );
        claimA(0, 60, 40);
        uint64 wide = uint64(1) << 40 | 1;
        fund(100);
        active(60, 40, 100);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyDistributor.DistributorRootUnknown.selector, wide));
        claimA(wide, 60, 40);
    }

    /// Roots are submitted, disabled and claimed in any order; a plain model of section 6 says what each claim must do.
    function testFuzz_claims_in_any_order_keep_to_each_roots_total(uint256 seed) external {
        fund(1000);
        uint256[2] memory claimed;
        uint256[4][5] memory roots; // a, b, total, activatesAt (0: disabled or not yet submitted)
        uint256 count = 0;
        for (uint256 step = 0; step < 40; ++step) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 move = seed % 8;
            uint256 chosen = seed >> 8 & 3;
            if (move == 0 && count < 4) {
                count++;
                // The totals promise up to 50 less than the leaves' sum.
                roots[count] = [50 * count, 60 * count, 110 * count - (seed >> 16) % 50, clock() + 1 days];
                submit(roots[count][0], roots[count][1], roots[count][2]);
            } else if (move == 1) {
                skip((seed >> 16) % 2 days);
            } else if (move == 2 && roots[chosen][3] > clock()) {
                disable(uint64(chosen));
                roots[chosen][3] = 0;
            } else if (chosen != 0 && chosen <= count) {
                _claimAsModelled(chosen, roots[chosen], claimed, seed >> 16 & 1);
            }
        }
        vm.assertEq(distributor.claimed(A), claimed[0]);
        vm.assertEq(distributor.claimed(B), claimed[1]);
        vm.assertEq(distributor.totalClaimed(), claimed[0] + claimed[1]);
        vm.assertEq(token.balanceOf(address(distributor)), 1000 - claimed[0] - claimed[1]);
    }

    function _claimAsModelled(uint256 index, uint256[4] memory root, uint256[2] memory claimed, uint256 who) private {
        uint256 sum = claimed[0] + claimed[1];
        bool pays = root[3] != 0 && clock() >= root[3] && root[who] > claimed[who]
            && sum + root[who] - claimed[who] <= root[2];
        if (!pays) vm.expectRevert();
        if (who == 0) claimA(uint64(index), root[0], root[1]);
        else claimB(uint64(index), root[0], root[1]);
        if (pays) claimed[who] = root[who];
    }

    function test_an_absurd_promise_to_one_blocks_nobody_else() external {
        fund(100);
        uint256 absurd = type(uint256).max;
        active(absurd, 40, 100);
        claimB(1, absurd, 40);
        active(absurd, 50, 100);
        vm.expectRevert(exhausted(2, 100, absurd));
        claimA(2, absurd, 50);
        vm.expectEmit(address(distributor));
        emit IRoyaltyDistributor.ClaimSkipped(A, 2, exhausted(2, 100, absurd));
        distributor.claimMany(2, both(absurd, 50));
        vm.assertEq(token.balanceOf(B), 50);
    }

    /* FROM WITHIN EACH OTHER */

    function hooked() private returns (HookToken hook) {
        hook = new HookToken();
        deploy(IERC20Metadata(address(hook)), address(0));
        fund(1000);
        active(60, 40, 100);
        active(90, 70, 160);
    }

    function arm(HookToken hook, uint64 index, uint256 a, uint256 b, bool refuses) private {
        bytes memory data = abi.encodeCall(distributor.claim, (index, A, a, beside(leaf(B, b))));
        hook.arm(address(distributor), data, refuses);
    }

    function checkPaid(HookToken hook, uint256 a, uint256 b, bool called) private view {
        vm.assertEq(hook.called(), called);
        vm.assertEq(token.balanceOf(A), a);
        vm.assertEq(token.balanceOf(B), b);
        vm.assertEq(distributor.claimed(A), a);
        vm.assertEq(distributor.claimed(B), b);
        vm.assertEq(distributor.totalClaimed(), a + b);
    }

    function test_a_claim_within_a_claim_pays_nothing_twice() external {
        HookToken hook = hooked();
        arm(hook, 1, 60, 40, false);
        claimA(1, 60, 40);
        checkPaid(hook, 60, 0, false);
        arm(hook, 2, 90, 70, false);
        claimB(1, 60, 40);
        checkPaid(hook, 90, 40, true);
    }

    function test_a_claim_within_a_push_is_counted() external {
        HookToken hook = hooked();
        arm(hook, 2, 90, 70, false);
        distributor.claimMany(1, both(60, 40));
        // A's own transfer of 60 was under way when it claimed the other 30: for B's 40, 10 are left of root 1's total.
        checkPaid(hook, 90, 0, true);
        claimB(2, 90, 70);
        checkPaid(hook, 90, 70, true);
    }

    function test_a_refused_transfer_takes_back_only_itself() external {
        HookToken hook = hooked();
        arm(hook, 2, 90, 70, true);
        vm.expectEmit(address(distributor));
        emit IRoyaltyDistributor.ClaimSkipped(
            A, 1, abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, token)
        );
        distributor.claimMany(1, both(60, 40));
        // 30 were paid from within; the 60 that were refused are owed again.
        checkPaid(hook, 30, 40, true);
        claimA(2, 90, 70);
        checkPaid(hook, 90, 40, true);
    }

    function test_a_push_within_a_push_is_refused() external {
        HookToken hook = hooked();
        hook.arm(address(distributor), abi.encodeCall(distributor.claimMany, (2, both(90, 70))), false);
        distributor.claimMany(1, both(60, 40));
        checkPaid(hook, 60, 40, false);
    }
}
