// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {InferenceReceipt} from "../../interfaces/InferenceReceipt.sol";
import {IReceiptChallenges} from "../../interfaces/IReceiptChallenges.sol";
import {BlobModel} from "./BlobModel.sol";

/// @notice A receipt that was signed and never posted costs a fixed penalty, now and then.
contract UnpostedTest is BlobModel {
    InferenceReceipt private r;

    function setUp() public override {
        super.setUp();
        build(1, 1);
        r = receipts[0];
        r.durationMs = 1001;
    }

    function penalize(bytes memory reason) private {
        bytes memory s = signed(r);
        if (reason.length != 0) vm.expectRevert(reason);
        vm.prank(stranger);
        receiptChallenges.penalizeUnposted(r, s);
    }

    function test_a_receipt_that_is_overdue_costs_the_least_reserve_once_a_day() external {
        uint40 due = r.startedAt + 2 + 1 days;
        vm.warp(due);
        penalize(abi.encodeWithSelector(IReceiptChallenges.ChallengeReceiptNotDue.selector, due));
        skip(1);
        vm.expectEmit(address(receiptChallenges));
        emit IReceiptChallenges.ReceiptUnposted(operator, 0, r.seq, ledger.receiptDigest(r), stranger, MIN_RESERVE);
        penalize("");
        vm.assertEq(operators.bond(operator).amount, 1e15 - MIN_RESERVE);
        vm.assertEq(token.balanceOf(stranger), MIN_RESERVE / 5);
        vm.assertEq(receiptChallenges.penalizedAt(operator, 0), due + 1);
        skip(1 days);
        penalize(abi.encodeWithSelector(IReceiptChallenges.ChallengePenaltyTooSoon.selector, due + 1 + 1 days));
        skip(1);
        penalize("");
    }

    function test_posting_late_stays_allowed_and_ends_it() external {
        skip(3 days);
        post();
        r.seq = 0;
        penalize(abi.encodeWithSelector(IReceiptChallenges.ChallengeReceiptPosted.selector, 0, 1));
    }

    function test_a_pause_of_intake_puts_it_off() external {
        vm.prank(pauser);
        ledger.pauseIntake();
        uint40 until = clock() + 3 days;
        skip(3 days);
        penalize(abi.encodeWithSelector(IReceiptChallenges.ChallengeReceiptNotDue.selector, until + 1 days));
        skip(1 days + 1);
        penalize("");
    }

    function test_revoking_the_key_at_once_is_no_way_out() external {
        vm.prank(operator);
        operators.revokeKey(0, vm.addr(LANE_KEY));
        uint40 revoked = clock();
        vm.warp(revoked + 2 days);
        uint256 snapshot = vm.snapshotState();
        penalize("");
        vm.revertToState(snapshot);
        vm.warp(revoked + 2 days + 1);
        penalize(abi.encodeWithSelector(IReceiptChallenges.ChallengeSignerUnknown.selector, vm.addr(LANE_KEY)));
    }

    function test_an_operator_without_loose_bond_leaves_the_lane_to_be_penalised_later() external {
        vm.prank(operator);
        operators.requestWithdrawal(1e15);
        skip(11 days);
        vm.prank(operator);
        operators.withdrawBond();
        penalize(abi.encodeWithSelector(IReceiptChallenges.ChallengeNothingToTake.selector, operator));
        vm.assertEq(receiptChallenges.penalizedAt(operator, 0), 0);
    }
}
