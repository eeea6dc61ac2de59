// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {BatchRecord} from "../../interfaces/BatchTypes.sol";
import {CommittedBatch, IChallenges} from "../../interfaces/IChallenges.sol";
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

    /* SEQUENCE NUMBERS THAT WERE TAKEN BEFORE */

    function consumed(uint64 batchId, BatchRecord memory record, bytes memory reason) private {
        bytes memory s = signed(r);
        if (reason.length != 0) vm.expectRevert(reason);
        vm.prank(stranger);
        receiptChallenges.penalizeConsumed(r, s, batchId, record);
    }

    function test_a_number_taken_before_the_answer_began_costs_the_penalty() external {
        CommittedBatch memory b = post();
        bytes memory innocent = abi.encodeWithSelector(IChallenges.ChallengeInnocent.selector);
        r.startedAt = clock() + 300;
        consumed(b.batchId, b.record, innocent);
        consumed(0, b.record, innocent);
        r.startedAt += 1;
        r.seq = 1;
        consumed(b.batchId, b.record, innocent);
        consumed(0, b.record, innocent);
        r.seq = 0;
        r.lane = 1;
        consumed(b.batchId, b.record, innocent);
        r.lane = 0;
        uint256 snapshot = vm.snapshotState();
        vm.expectEmit(address(receiptChallenges));
        emit IReceiptChallenges.ReceiptUnposted(operator, 0, 0, ledger.receiptDigest(r), stranger, MIN_RESERVE);
        consumed(b.batchId, b.record, "");
        consumed(
            0,
            b.record,
            abi.encodeWithSelector(IReceiptChallenges.ChallengePenaltyTooSoon.selector, clock() + 1 days)
        );
        vm.revertToState(snapshot);
        consumed(0, b.record, "");
    }

    function test_an_answer_from_before_any_clock_shows_nothing() external {
        CommittedBatch memory b = post();
        bytes memory innocent = abi.encodeWithSelector(IChallenges.ChallengeInnocent.selector);
        r.startedAt = 300;
        consumed(b.batchId, b.record, innocent);
        r.startedAt = 301;
        consumed(0, b.record, innocent);
    }

    function test_a_record_that_is_not_the_ledgers_shows_nothing() external {
        CommittedBatch memory b = post();
        r.startedAt = clock() + 301;
        bytes32 stored = ledger.batchHash(b.batchId);
        b.record.count = 9;
        consumed(
            b.batchId,
            b.record,
            abi.encodeWithSelector(
                IChallenges.ChallengeCommitmentMismatch.selector, stored, keccak256(abi.encode(b.record))
            )
        );
    }

    function test_a_batch_long_final_is_shown_by_the_lanes_marks() external {
        post();
        skip(20 days);
        r.startedAt = clock();
        r.seq = 0;
        for (uint256 n = 0; n < 3; ++n) {
            skip(1 hours);
            build(n, 1);
            post();
        }
        consumed(0, batchRecordOfNothing(), "");
    }

    function batchRecordOfNothing() private pure returns (BatchRecord memory record) {}

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
