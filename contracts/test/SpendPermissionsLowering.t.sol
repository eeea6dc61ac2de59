// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {AccountView, IPaymentEscrow} from "../interfaces/IPaymentEscrow.sol";
import {SpendModel} from "./SpendModel.sol";

/// @notice How a spending limit is taken back.
contract SpendPermissionsLoweringTest is SpendModel {
    function test_a_lowered_cap_counts_after_the_delay() external {
        deposit(payer, 1000);
        deposit(operator, 1000);
        submit(500, inDays(20));
        uint40 effective = clock() + DELAY;
        vm.expectEmit(address(escrow));
        emit IPaymentEscrow.CapLoweringStarted(payer, operator, 100, inDays(20), effective);
        lower(100, inDays(20));
        AccountView memory a = escrow.account(payer, operator);
        vm.assertTrue(a.loweredCap == 100 && a.loweringAt == effective && a.cap == 500);
        vm.warp(effective - 1);
        vm.assertEq(collectAt(clock(), 300), 300);
        vm.warp(effective);
        assertPair(100, inDays(20) - DELAY);
        vm.assertEq(collectAt(clock(), 10), 0);
        a = escrow.account(payer, operator);
        vm.assertTrue(a.loweringAt == 0 && a.loweredCap == 0 && a.deadValidUntil == a.validUntil);
    }

    function test_after_a_lowering_old_signatures_are_dead_for_everyone() external {
        uint40 expiry = inDays(20);
        submit(500, expiry);
        lower(100, expiry);
        skip(DELAY);
        submitAsOperator(500, expiry);
        submitAsOperator(900, expiry);
        submit(900, expiry - 1);
        assertPair(100, expiry);
        submit(300, expiry + 1);
        assertPair(300, expiry + 1);
        submitAsOperator(900, expiry);
        assertPair(300, expiry + 1);
    }

    function test_held_signatures_count_until_the_lowering_does() external {
        uint40 expiry = inDays(20);
        submit(500, expiry);
        lower(100, expiry);
        skip(DELAY - 1);
        submit(900, expiry);
        assertPair(900, expiry);
        skip(1);
        assertPair(100, expiry);
    }

    function test_a_newer_will_outlives_the_lowering() external {
        uint40 expiry = inDays(20);
        submit(500, expiry);
        lower(100, expiry);
        submit(600, expiry + 1);
        skip(DELAY);
        assertPair(600, expiry + 1);
        submit(900, expiry);
        assertPair(600, expiry + 1);
        vm.assertEq(escrow.account(payer, operator).deadValidUntil, expiry);
    }

    function test_a_lowering_must_lower_and_cover_the_present_expiry() external {
        uint40 expiry = inDays(20);
        submit(500, expiry);
        vm.expectRevert(
            abi.encodeWithSelector(IPaymentEscrow.EscrowCapNotLower.selector, uint64(501), uint64(500))
        );
        lower(501, expiry);
        vm.expectRevert(
            abi.encodeWithSelector(IPaymentEscrow.EscrowValidUntilTooEarly.selector, expiry - 1, expiry)
        );
        lower(100, expiry - 1);
        lower(100, expiry);
        uint40 effective = clock() + DELAY;
        vm.expectRevert(
            abi.encodeWithSelector(IPaymentEscrow.EscrowLoweringUnderWay.selector, effective)
        );
        lower(50, expiry);
    }

    function test_a_second_lowering_keeps_the_first_ones_dead_line() external {
        uint40 expiry = inDays(20);
        submit(500, expiry);
        lower(100, expiry + 5);
        skip(DELAY);
        submitAsOperator(300, expiry + 6);
        lower(200, expiry + 6);
        // Announced only: what the first lowering left alive still counts.
        submitAsOperator(350, expiry + 6);
        assertPair(350, expiry + 6);
        submitAsOperator(400, expiry + 5);
        assertPair(350, expiry + 6);
        skip(DELAY);
        assertPair(200, expiry + 6);
    }

    function testFuzz_no_expiry_stands_below_the_dead_line(uint256[24] calldata moves) external {
        uint40 dead = 0;
        for (uint256 n = 0; n < moves.length; ++n) {
            AccountView memory a = escrow.account(payer, operator);
            (uint64 cap, uint40 validUntil) = (uint64(moves[n] >> 8) % 1000, inDays(uint8(moves[n] >> 72) % 30));
            uint256 move = moves[n] % 6;
            if (move == 0) submit(cap, validUntil);
            else if (move == 1) submitAsOperator(cap, validUntil);
            else if (move == 2) submitAsOperator(cap, a.deadValidUntil + uint40(moves[n] >> 80) % 3);
            else if (move < 5 && a.loweringAt == 0) lower(a.cap - uint64(cap % (a.cap + 1)), a.validUntil + uint40(cap % 2));
            else skip((moves[n] >> 72) % 256 * 1 hours);
            a = escrow.account(payer, operator);
            vm.assertTrue(a.deadValidUntil >= dead && a.validUntil >= a.deadValidUntil);
            dead = a.deadValidUntil;
        }
    }

    function test_a_refill_is_judged_by_what_stood_at_the_first_commit() external {
        deposit(payer, 1000);
        deposit(operator, 1000);
        uint40 expiry = inDays(20);
        submit(500, expiry);
        uint40 first = clock();
        lower(0, expiry);
        skip(DELAY + 1);
        vm.assertEq(collectAt(clock(), 100), 0);
        vm.assertEq(collectAt(first, 400), 400);
        vm.assertEq(collectAt(first + DELAY, 50), 0);
        vm.assertEq(collectAt(first + DELAY - 1, 200), 100);
    }

    function test_a_thaw_that_ends_leaves_what_a_lowering_left() external {
        deposit(payer, 1000);
        deposit(operator, 1000);
        submit(500, inDays(20));
        uint40 first = clock();
        lower(0, inDays(20));
        skip(DELAY + 1);
        vm.assertEq(collectAt(clock(), 1), 0);
        vm.startPrank(payer);
        escrow.thaw(operator, 10);
        escrow.cancelThaw(operator);
        vm.stopPrank();
        vm.assertEq(collectAt(clock(), 100), 0);
        vm.assertEq(collectAt(first, 400), 400);
    }

    function test_a_refill_is_judged_by_the_expiry_at_its_first_commit() external {
        deposit(payer, 1000);
        deposit(operator, 1000);
        submit(500, inDays(1));
        uint40 first = clock();
        skip(3 days);
        vm.assertEq(collectAt(clock(), 100), 0);
        vm.assertEq(collectAt(first, 100), 100);
    }
}
