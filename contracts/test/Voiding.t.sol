// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {BatchHeader, BatchRecord, BatchStatus, Charge} from "../interfaces/BatchTypes.sol";
import {IReceiptLedger} from "../interfaces/IReceiptLedger.sol";
import {World} from "./World.sol";

/// @notice What becomes of a batch that a challenge voided: refunds, the refill of its hole, the hole that stays.
contract VoidingTest is World {
    uint64 private id;
    BatchHeader private h;
    bytes32[] private hashes;
    Charge[] private charges;
    BatchRecord private record;

    function setUp() public override {
        super.setUp();
        deposit(payer, 1_000);
        deposit(operator, 1_000_000);
        depositBond(2_000e6);
        authorizeAs(PAYER_KEY, payer, 500, inDays(30));
        bool first = payer < other;
        charges.push(Charge(first ? payer : other, first ? 100 : 40));
        charges.push(Charge(first ? other : payer, first ? 40 : 100));
        h = headerFor(charges, 4);
        hashes = hashesFor(1, 1);
        attest(hashes, clock());
        vm.prank(operator);
        id = ledger.commitBatch(h, hashes, charges);
        record = recordOf(h, hashes, charges);
    }

    function voidIt() private {
        vm.prank(address(receiptChallenges));
        ledger.voidBatch(id, record, uint24(charges.length), stranger, "fault");
        (record.status, record.reserve) = (BatchStatus.Voided, 0);
    }

    function indices(uint256 count) private pure returns (uint256[] memory list) {
        list = new uint256[](count);
        for (uint256 n = 0; n < count; ++n) {
            list[n] = n;
        }
    }

    function refundAll() private {
        ledger.refund(id, record, h, hashes, charges, indices(charges.length));
    }

    function recommit(bytes memory reason) private {
        if (reason.length != 0) vm.expectRevert(reason);
        vm.prank(operator);
        ledger.recommitBatch(id, record, h, hashes, charges);
    }

    function index(address who) private view returns (uint256) {
        return charges[0].payer == who ? 0 : 1;
    }

    /* VOID */

    function test_only_challenges_void_and_penalise() external {
        bytes memory reason = abi.encodeWithSelector(IReceiptLedger.LedgerNotChallenges.selector, address(this));
        vm.expectRevert(reason);
        ledger.voidBatch(id, record, 2, stranger, "fault");
        vm.expectRevert(reason);
        ledger.penalizeUnposted(operator, 1, stranger);
    }

    function test_a_void_slashes_the_reserve_and_nothing_else() external {
        (uint64 next,) = (ledger.nextSeq(operator, 0), 0);
        uint64 before = operators.bond(operator).amount;
        uint64 held = record.reserve;
        voidIt();
        vm.assertEq(operators.bond(operator).amount, before - held);
        vm.assertEq(operators.bond(operator).reserved, 0);
        vm.assertEq(token.balanceOf(stranger), held / 5);
        vm.assertEq(ledger.nextSeq(operator, 0), next);
        (uint40 at, uint16 outstanding) = ledger.voiding(id);
        vm.assertEq(at, clock());
        vm.assertEq(outstanding, 2);
    }

    function test_a_voided_batch_is_neither_voided_again_nor_finalized() external {
        voidIt();
        bytes memory reason =
            abi.encodeWithSelector(IReceiptLedger.LedgerBatchNotOpen.selector, id, BatchStatus.Voided);
        vm.expectRevert(reason);
        vm.prank(address(receiptChallenges));
        ledger.voidBatch(id, record, 2, stranger, "fault");
        skip(8 days);
        vm.expectRevert(reason);
        ledger.finalizeBatch(id, record);
    }

    function test_a_final_batch_is_not_voided() external {
        skip(7 days + 1);
        ledger.finalizeBatch(id, record);
        vm.expectRevert(abi.encodeWithSelector(IReceiptLedger.LedgerNoSuchBatch.selector, id));
        vm.prank(address(receiptChallenges));
        ledger.voidBatch(id, record, 2, stranger, "fault");
    }

    /* REFUND */

    function test_each_payer_gets_its_part_back_once() external {
        vm.expectRevert(
            abi.encodeWithSelector(IReceiptLedger.LedgerBatchNotVoided.selector, id, BatchStatus.Open)
        );
        ledger.refund(id, record, h, hashes, charges, indices(1));
        voidIt();
        uint256[] memory who = new uint256[](2);
        (who[0], who[1]) = (index(payer), index(payer));
        ledger.refund(id, record, h, hashes, charges, who);
        vm.assertEq(escrow.account(payer, operator).balance, 1_000);
        vm.assertEq(escrow.account(payer, operator).collected, 0);
        (, uint16 outstanding) = ledger.voiding(id);
        vm.assertEq(outstanding, 1);
        refundAll();
        refundAll();
        vm.assertEq(escrow.account(payer, operator).balance, 1_000);
        vm.assertEq(escrow.account(operator, operator).balance, 1_000_000);
        vm.assertEq(escrow.account(other, operator).debt, 0);
        (, outstanding) = ledger.voiding(id);
        vm.assertEq(outstanding, 0);
    }

    function test_refunds_go_by_what_was_committed() external {
        voidIt();
        Charge[] memory more = charges;
        more[0].amount += 1;
        bytes32 given = keccak256(abi.encode(h, hashes, more));
        vm.expectRevert(
            abi.encodeWithSelector(
                IReceiptLedger.LedgerCommitmentMismatch.selector, record.batchCommitment, given
            )
        );
        ledger.refund(id, record, h, hashes, more, indices(1));
        vm.expectRevert(abi.encodeWithSelector(IReceiptLedger.LedgerNoSuchPayer.selector, 2, 2));
        ledger.refund(id, record, h, hashes, charges, indices(3));
    }

    function test_many_payers_are_refunded_each_once_in_any_order() external {
        delete charges;
        for (uint160 p = 1; p <= 600; ++p) {
            charges.push(Charge(address(p), 1));
        }
        h = headerFor(charges, 600);
        hashes = hashesFor(1, 2);
        attest(hashes, clock());
        vm.prank(operator);
        id = ledger.commitBatch(h, hashes, charges);
        record = recordOf(h, hashes, charges);
        voidIt();
        uint256[] memory some = new uint256[](6);
        (some[0], some[1], some[2], some[3], some[4], some[5]) = (599, 200, 199, 256, 599, 0);
        ledger.refund(id, record, h, hashes, charges, some);
        (, uint16 outstanding) = ledger.voiding(id);
        vm.assertEq(outstanding, 595);
        refundAll();
        (, outstanding) = ledger.voiding(id);
        vm.assertEq(outstanding, 0);
        vm.assertEq(escrow.account(operator, operator).balance, 1_000_000 - 40);
        // Voided once more after a refill, everybody is owed anew.
        skip(1);
        recommit("");
        record = recordOf(h, hashes, charges);
        (record.firstCommittedAt, record.termsFrom) = (clock() - 1, clock() - 1 - 1 days);
        voidIt();
        refundAll();
        vm.assertEq(escrow.account(operator, operator).balance, 1_000_000 - 40);
    }

    /* REFILL */

    function test_a_hole_is_filled_with_the_same_run_and_a_new_window() external {
        uint40 firstAt = clock();
        voidIt();
        skip(1 days);
        recommit(abi.encodeWithSelector(IReceiptLedger.LedgerRefundsOutstanding.selector, id, 2));
        refundAll();
        hashes = hashesFor(1, 7);
        recommit(
            abi.encodeWithSelector(
                IReceiptLedger.LedgerBlobsNotAttested.selector, keccak256(abi.encodePacked(hashes))
            )
        );
        attest(hashes, clock());
        BatchRecord memory fresh = recordOf(h, hashes, charges);
        (fresh.firstCommittedAt, fresh.termsFrom) = (firstAt, firstAt - 1 days);
        vm.expectEmit(address(ledger));
        emit IReceiptLedger.BatchRefilled(
            id, operator, 0, fresh.batchCommitment, fresh.reserve, clock(), firstAt - 1 days, clock(), h, hashes, charges
        );
        recommit("");
        vm.assertTrue(ledger.batchStatus(id, fresh) == BatchStatus.Open);
        vm.assertEq(ledger.nextSeq(operator, 0), 4);
        vm.assertEq(escrow.account(payer, operator).collected, 100);
        skip(7 days);
        vm.expectRevert(
            abi.encodeWithSelector(IReceiptLedger.LedgerWindowOpen.selector, id, fresh.committedAt + 7 days)
        );
        ledger.finalizeBatch(id, fresh);
        skip(1);
        ledger.finalizeBatch(id, fresh);
        vm.assertEq(distributor.totalFunded(), 140);
    }

    function test_authorizations_of_a_refill_are_judged_at_the_first_commit() external {
        voidIt();
        refundAll();
        // Expired by now, but not then: the escrow's tests have the other direction.
        vm.warp(inDays(2));
        attest(hashes, clock());
        recommit("");
        vm.assertEq(escrow.account(payer, operator).debt, 0);
    }

    function test_a_refill_keeps_to_the_hole() external {
        voidIt();
        refundAll();
        skip(1);
        bytes memory reason = abi.encodeWithSelector(IReceiptLedger.LedgerNotTheHole.selector, id, 0, 4);
        BatchHeader memory right = h;
        (h.count, h.firstSeq) = (3, 0);
        recommit(reason);
        (h.count, h.firstSeq) = (4, 4);
        recommit(reason);
        (h.firstSeq, h.lane) = (0, 1);
        recommit(reason);
        (h.lane, h.operator) = (0, stranger);
        recommit(reason);
        h = right;
        vm.expectRevert(
            abi.encodeWithSelector(IReceiptLedger.LedgerNotOperator.selector, address(this), operator)
        );
        ledger.recommitBatch(id, record, h, hashes, charges);
    }

    function test_a_hole_is_filled_between_the_next_second_and_the_deadline_or_never() external {
        uint40 at = clock();
        voidIt();
        refundAll();
        bytes memory reason =
            abi.encodeWithSelector(IReceiptLedger.LedgerRefillTime.selector, id, at + 1, at + 3 days);
        recommit(reason);
        skip(3 days + 1);
        attest(hashes, clock());
        recommit(reason);
        vm.warp(at + 3 days);
        recommit("");
    }

    function test_a_refill_is_no_way_to_keep_an_old_judgement_alive() external {
        uint40 firstAt = clock();
        skip(8 days);
        uint40 at = clock();
        voidIt();
        refundAll();
        vm.warp(firstAt + 10 days + 1);
        attest(hashes, clock());
        recommit(
            abi.encodeWithSelector(IReceiptLedger.LedgerRefillTime.selector, id, at + 1, firstAt + 10 days)
        );
        vm.warp(firstAt + 10 days);
        recommit("");
    }

    function test_a_pause_does_not_make_a_hole_final() external {
        voidIt();
        refundAll();
        vm.prank(pauser);
        ledger.pauseIntake();
        skip(1);
        recommit("");
    }

    function test_later_batches_of_the_lane_are_untouched() external {
        (uint64 later, BatchRecord memory next) = commit(charge(payer, 7));
        voidIt();
        skip(7 days + 1);
        ledger.finalizeBatch(later, next);
        vm.assertEq(distributor.totalFunded(), 7);
    }
}
