// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {BatchRecord, BatchStatus} from "../../interfaces/BatchTypes.sol";
import {Kind} from "../../interfaces/IAttributionRegistry.sol";
import {CommittedBatch, IChallenges, Opening} from "../../interfaces/IChallenges.sol";
import {IFormatChallenges} from "../../interfaces/IFormatChallenges.sol";
import {InferenceReceipt} from "../../interfaces/InferenceReceipt.sol";
import {IReceiptChallenges} from "../../interfaces/IReceiptChallenges.sol";
import {IReceiptLedger} from "../../interfaces/IReceiptLedger.sol";
import {BlobModel} from "./BlobModel.sol";

/// @notice Each fault of the specification's table voids the batch that has it; each test shows the honest batch refused first.
contract GuiltTest is BlobModel {
    /// A seed whose batch has 6 receipts, 2 payers and the sets, with a double and a single set in use.
    uint256 private seed;

    function setUp() public override {
        super.setUp();
        for (seed = 1;; ++seed) {
            build(seed, 6);
            if (header.count == 6 && header.payerCount == 2 && header.setFeCount == 3 && with(2) < 6 && with(1) < 6) break;
        }
    }

    /// The first receipt whose set is none (0), the single (1) or the double one (2).
    function with(uint256 set) private view returns (uint256 i) {
        while (i < header.count && pointer(i) != (set == 0 ? 0 : setsAt() + set - 1)) ++i;
    }

    function pointer(uint256 i) private view returns (uint256) {
        return uint32(elements[bAt(i)] >> 128);
    }

    /// Puts `value` into a field of an element.
    function put(uint256 position, uint256 shift, uint256 bits, uint256 value) private {
        uint256 mask = ((1 << bits) - 1) << shift;
        elements[position] = (elements[position] & ~mask) | (value << shift);
    }

    function fees(uint256 i) private view returns (Opening[] memory) {
        return i == 0 ? openings(bAt(0)) : openings(bAt(i), bAt(i - 1));
    }

    function refuse(bytes memory data, bytes4 reason) private {
        (bool success, bytes memory answer) = court(data).call(data);
        vm.assertFalse(success);
        vm.assertEq(bytes32(bytes4(answer)), bytes32(reason));
    }

    function convict(CommittedBatch memory b, bytes memory data, bytes32 fault) private {
        vm.expectEmit(address(ledger));
        emit IReceiptLedger.BatchVoided(b.batchId, stranger, fault);
        vm.prank(stranger);
        (bool success, bytes memory answer) = court(data).call(data);
        if (!success) vm.assertEq(bytes32(bytes4(answer)), bytes32("convicted"));
        BatchRecord memory record = b.record;
        uint64 held = record.reserve;
        (record.status, record.reserve) = (BatchStatus.Voided, 0);
        vm.assertTrue(ledger.batchStatus(b.batchId, record) == BatchStatus.Voided);
        vm.assertEq(operators.bond(operator).reserved, 0);
        vm.assertEq(token.balanceOf(stranger), held / 5);
        vm.assertEq(token.balanceOf(operators.BURN_ADDRESS()), held - held / 5);
    }

    /* HEADER, ELEMENTS, CHARGES */

    function test_a_header_that_differs() external {
        for (uint256 n = 0; n < 2; ++n) {
            uint256 snapshot = vm.snapshotState();
            elements[n] ^= 1;
            CommittedBatch memory b = post();
            refuse(
                abi.encodeCall(IFormatChallenges.challengeHeader, (b, 1 - n, opening(1 - n))),
                IChallenges.ChallengeInnocent.selector
            );
            bytes memory data = abi.encodeCall(IFormatChallenges.challengeHeader, (b, n, opening(n)));
            convict(b, data, "header_differs_from_commitment");
            vm.revertToState(snapshot);
        }
    }

    function test_a_used_element_of_2_to_the_248() external {
        uint256 last = elements.length - 1;
        elements[last] |= 1 << 248;
        CommittedBatch memory b = post();
        convict(b, abi.encodeCall(IFormatChallenges.challengeElement, (b, last, opening(last))), "element_out_of_range");
    }

    function test_an_unused_element_is_nobodys_business() external {
        CommittedBatch memory b = post();
        refuse(
            abi.encodeCall(IFormatChallenges.challengeElement, (b, elements.length, opening(elements.length))),
            IChallenges.ChallengeOutOfRange.selector
        );
    }

    function test_a_payer_that_is_not_the_charge() external {
        put(pAt(1), 24, 64, charges[1].amount + 1);
        CommittedBatch memory b = post();
        bytes memory data = abi.encodeCall(IFormatChallenges.challengeCharge, (b, 1, opening(pAt(1))));
        convict(b, data, "payer_differs_from_charge");
    }

    function test_a_last_index_outside() external {
        put(pAt(0), 0, 24, 6);
        CommittedBatch memory b = post();
        convict(b, abi.encodeCall(IFormatChallenges.challengeCharge, (b, 0, opening(pAt(0)))), "payer_last_index");
    }

    function test_charges_or_hashes_that_were_not_committed() external {
        CommittedBatch memory b = post();
        b.charges[0].amount += 1;
        refuse(
            abi.encodeCall(IFormatChallenges.challengeCharge, (b, 0, opening(pAt(0)))),
            IChallenges.ChallengeCommitmentMismatch.selector
        );
        b.record.batchCommitment = keccak256(abi.encode(b.header, b.versionedHashes, b.charges));
        refuse(
            abi.encodeCall(IFormatChallenges.challengeCharge, (b, 0, opening(pAt(0)))),
            IReceiptLedger.LedgerRecordMismatch.selector
        );
    }

    /* ONE RECEIPT */

    function one(uint256 i, uint256 shift, uint256 bits, uint256 value, bytes32 fault) private {
        uint256 snapshot = vm.snapshotState();
        put(bAt(i), shift, bits, value);
        CommittedBatch memory b = post();
        refuse(
            abi.encodeCall(IFormatChallenges.challengeReceipt, (b, 1, opening(bAt(1)))), IChallenges.ChallengeInnocent.selector
        );
        convict(b, abi.encodeCall(IFormatChallenges.challengeReceipt, (b, i, opening(bAt(i)))), fault);
        vm.revertToState(snapshot);
    }

    function test_a_receipt_out_of_range_or_of_no_model() external {
        one(2, 216, 32, 6, "seq_offset_out_of_range");
        one(2, 192, 24, 2, "payer_index_out_of_range");
        one(0, 192, 24, 1, "payer_index_out_of_range");
        one(5, 192, 24, 0, "payer_index_out_of_range");
        one(5, 64, 64, header.totalFee + 1, "cumulative_fee_total");
        one(2, 160, 32, 0, "asset_unknown");
        one(2, 160, 32, 9, "asset_unknown");
        one(2, 160, 32, 1, "asset_is_dataset");
    }

    function test_an_asset_that_came_after_the_commit_was_unknown() external {
        put(bAt(2), 160, 32, 9);
        CommittedBatch memory b = post();
        vm.assertEq(register(stranger, Kind.Model, "late", plainTerms(stranger)), 9);
        convict(b, abi.encodeCall(IFormatChallenges.challengeReceipt, (b, 2, opening(bAt(2)))), "asset_unknown");
    }

    function test_a_start_long_after_the_commit() external {
        header.baseTime = clock() + 300 - uint40(uint16(elements[bAt(2)]));
        writeHeader();
        uint256 snapshot = vm.snapshotState();
        CommittedBatch memory b = post();
        bytes memory data = abi.encodeCall(IFormatChallenges.challengeReceipt, (b, 2, opening(bAt(2))));
        refuse(data, IChallenges.ChallengeInnocent.selector);
        vm.revertToState(snapshot);
        put(bAt(2), 0, 16, uint16(elements[bAt(2)]) + 1);
        b = post();
        data = abi.encodeCall(IFormatChallenges.challengeReceipt, (b, 2, opening(bAt(2))));
        convict(b, data, "started_after_commit");
    }

    function test_an_unattested_batch_is_judged_like_any_other() external {
        elements[0] ^= 1;
        CommittedBatch memory b = post(false);
        bytes memory data = abi.encodeCall(IFormatChallenges.challengeHeader, (b, 0, opening(0)));
        convict(b, data, "header_differs_from_commitment");
    }

    /* TWO RECEIPTS */

    function two(uint256 i, uint256 shift, uint256 bits, uint256 value, bytes32 fault) private {
        uint256 snapshot = vm.snapshotState();
        put(bAt(i + 1), shift, bits, value);
        CommittedBatch memory b = post();
        bytes memory data =
            abi.encodeCall(IFormatChallenges.challengeNeighbours, (b, i, opening(bAt(i)), opening(bAt(i + 1))));
        convict(b, data, fault);
        vm.revertToState(snapshot);
    }

    function last(uint256 p) private view returns (uint256) {
        return uint24(elements[pAt(p)]);
    }

    function test_receipts_out_of_order() external {
        uint256 end = last(0);
        two(end, 192, 24, 2, "payer_order");
        two(4, 192, 24, 0, "payer_order");
        two(4, 216, 32, uint32(elements[bAt(4)] >> 216), "seq_order");
        two(0, 64, 64, uint64(elements[bAt(0)] >> 64) - 1, "cumulative_fee_falls");
    }

    function test_a_payers_total() external {
        uint256 end = last(0);
        put(bAt(end), 64, 64, charges[0].amount - 1);
        CommittedBatch memory b = post();
        if (end > 0) {
            refuse(
                abi.encodeCall(
                    IFormatChallenges.challengePayerTotal, (b, end - 1, opening(bAt(end - 1)), opening(bAt(end)))
                ),
                IChallenges.ChallengeInnocent.selector
            );
        }
        bytes memory data =
            abi.encodeCall(IFormatChallenges.challengePayerTotal, (b, end, opening(bAt(end)), opening(bAt(end + 1))));
        convict(b, data, "payer_total");
    }

    function test_a_last_index_that_is_early_or_late() external {
        uint256 end = last(0);
        uint256 snapshot = vm.snapshotState();
        put(pAt(0), 0, 24, end + 1);
        CommittedBatch memory b = post();
        Opening memory p = opening(pAt(0));
        convict(
            b,
            abi.encodeCall(IFormatChallenges.challengePayerLast, (b, 0, p, end + 1, opening(bAt(end + 1)))),
            "payer_last_index"
        );
        vm.revertToState(snapshot);
        end = last(1);
        put(pAt(1), 0, 24, end - 1);
        b = post();
        p = opening(pAt(1));
        convict(
            b, abi.encodeCall(IFormatChallenges.challengePayerLast, (b, 1, p, end, opening(bAt(end)))), "payer_last_index"
        );
    }

    function test_a_sequence_number_twice() external {
        put(bAt(0), 216, 32, uint32(elements[bAt(5)] >> 216));
        CommittedBatch memory b = post();
        refuse(
            abi.encodeCall(IFormatChallenges.challengeDuplicate, (b, 5, 5, opening(bAt(5)), opening(bAt(5)))),
            IChallenges.ChallengeInnocent.selector
        );
        bytes memory data =
            abi.encodeCall(IFormatChallenges.challengeDuplicate, (b, 0, 5, opening(bAt(0)), opening(bAt(5))));
        convict(b, data, "seq_duplicate");
    }

    /* AGAINST SIGNED RECEIPTS */

    function test_an_altered_receipt() external {
        elements[aAt(3)] ^= 1;
        CommittedBatch memory b = post();
        InferenceReceipt memory r = receipts[3];
        bytes memory s = signature(0xBAD, ledger.receiptDigest(r));
        refuse(
            abi.encodeCall(IReceiptChallenges.challengeAltered, (b, r, s, 3, opening(aAt(3)), opening(bAt(3)))),
            IReceiptChallenges.ChallengeSignerUnknown.selector
        );
        bytes memory data = abi.encodeCall(
            IReceiptChallenges.challengeAltered, (b, r, signed(r), 3, opening(aAt(3)), opening(bAt(3)))
        );
        convict(b, data, "receipt_altered");
    }

    function test_a_key_counts_for_two_weeks_after_it_was_revoked() external {
        elements[aAt(3)] ^= 1;
        InferenceReceipt memory r = receipts[3];
        vm.prank(operator);
        operators.revokeKey(0, vm.addr(LANE_KEY));
        skip(14 days + 1);
        uint256 snapshot = vm.snapshotState();
        CommittedBatch memory b = post();
        refuse(
            abi.encodeCall(IReceiptChallenges.challengeAltered, (b, r, signed(r), 3, opening(aAt(3)), opening(bAt(3)))),
            IReceiptChallenges.ChallengeSignerUnknown.selector
        );
        vm.revertToState(snapshot);
        vm.warp(clock() - 1);
        b = post();
        bytes memory data = abi.encodeCall(
            IReceiptChallenges.challengeAltered, (b, r, signed(r), 3, opening(aAt(3)), opening(bAt(3)))
        );
        convict(b, data, "receipt_altered");
    }

    function field(uint256 shift, uint256 bits, uint256 value) private {
        uint256 snapshot = vm.snapshotState();
        put(bAt(3), shift, bits, value);
        CommittedBatch memory b = post();
        InferenceReceipt memory r = receipts[3];
        bytes memory data =
            abi.encodeCall(IReceiptChallenges.challengeField, (b, r, signed(r), 3, opening(aAt(3)), opening(bAt(3))));
        convict(b, data, "receipt_field_differs");
        vm.revertToState(snapshot);
    }

    function test_a_field_that_is_not_the_signed_one() external {
        InferenceReceipt memory r = receipts[3];
        field(216, 32, 7 + r.seq);
        field(192, 24, r.payer == payerOf(0) ? 1 : 0);
        field(192, 24, 9);
        field(160, 32, r.assetId ^ 1);
        field(128, 32, r.attributionHash == 0 ? setsAt() : 0);
        field(40, 24, r.inputUnits + 1);
        field(16, 24, r.outputUnits + 1);
        field(0, 16, r.startedAt - header.baseTime + 1);
    }

    function test_a_fee_that_is_not_the_signed_one() external {
        put(bAt(3), 64, 64, uint64(elements[bAt(3)] >> 64) + 1);
        CommittedBatch memory b = post();
        InferenceReceipt memory r = receipts[3];
        bytes memory data =
            abi.encodeCall(IReceiptChallenges.challengeSignedFee, (b, r, signed(r), 3, opening(aAt(3)), fees(3)));
        convict(b, data, "receipt_fee_differs");
    }

    function test_a_set_that_is_not_the_signed_one() external {
        uint256 i = with(2);
        put(setsAt() + 2, 168 - 24, 24, 50_000);
        CommittedBatch memory b = post();
        InferenceReceipt memory r = receipts[i];
        Opening[] memory parts = openings(setsAt() + 1);
        bytes memory data = abi.encodeCall(
            IReceiptChallenges.challengeSignedSet, (b, r, signed(r), i, opening(aAt(i)), opening(bAt(i)), parts)
        );
        refuse(data, IChallenges.ChallengeOpeningCount.selector);
        parts = openings(setsAt() + 1, setsAt() + 2);
        data = abi.encodeCall(
            IReceiptChallenges.challengeSignedSet, (b, r, signed(r), i, opening(aAt(i)), opening(bAt(i)), parts)
        );
        convict(b, data, "receipt_set_differs");
    }

    /* AGAINST PRICES AND TERMS */

    function test_a_fee_above_the_price() external {
        put(bAt(0), 64, 64, uint64(elements[bAt(0)] >> 64) + 1);
        CommittedBatch memory b = post();
        convict(b, abi.encodeCall(IReceiptChallenges.challengePrice, (b, 0, fees(0))), "fee_differs_from_price");
    }

    function test_a_price_below_the_floor() external {
        uint256 i = with(1);
        vm.prank(operator);
        operators.setPrice(SET_MODEL, 500, 1000);
        skip(11 minutes);
        header.baseTime = clock();
        writeHeader();
        InferenceReceipt memory r = receipts[i];
        uint64 before = i == 0 ? 0 : uint64(elements[bAt(i - 1)] >> 64);
        put(bAt(i), 64, 64, before + (uint256(r.inputUnits) * 500 + uint256(r.outputUnits) * 1000 + 999) / 1000);
        CommittedBatch memory b = post();
        convict(b, abi.encodeCall(IReceiptChallenges.challengePrice, (b, i, fees(i))), "fee_below_floor");
    }

    /// Served before a pause of intake and posted after it, a receipt is judged by the prices of its own time.
    function test_a_pause_moves_no_receipt_to_another_price() external {
        uint40 pausedAt = clock();
        vm.prank(operator);
        operators.setPrice(SET_MODEL, 2 * INPUT_PRICE, OUTPUT_PRICE);
        vm.prank(operator);
        operators.setPrice(FIXED_MODEL, 2 * INPUT_PRICE, OUTPUT_PRICE);
        vm.prank(pauser);
        ledger.pauseIntake();
        vm.warp(pausedAt + 3 days + 1 days - 1000);
        CommittedBatch memory b = post();
        vm.assertEq(b.record.termsFrom, pausedAt - 1000);
        for (uint256 i = 0; i < 6; ++i) {
            refuse(
                abi.encodeCall(IReceiptChallenges.challengePrice, (b, i, fees(i))),
                IChallenges.ChallengeInnocent.selector
            );
        }
    }

    /* SETS */

    function part(uint256 k, uint256 shift, uint256 bits, uint256 value) private {
        uint256 snapshot = vm.snapshotState();
        put(setsAt() + k, shift, bits, value);
        CommittedBatch memory b = post();
        bytes memory data = abi.encodeCall(IFormatChallenges.challengeSetPart, (b, k, opening(setsAt() + k)));
        convict(b, data, "set_malformed");
        vm.revertToState(snapshot);
    }

    function test_a_part_of_a_set_that_breaks_the_form() external {
        part(0, 240, 8, 1);
        part(1, 240, 8, 2);
        part(1, 232, 8, 5);
        part(2, 232, 8, 3);
        part(0, 224, 8, 1);
        part(0, 168, 24, 0);
        part(1, 168 - 56, 24, 0);
        part(1, 0, 56, 0);
        part(0, 168 - 32, 32, 3);
        part(1, 168 - 32, 32, 0);
    }

    function test_parts_that_do_not_go_together() external {
        uint256 snapshot = vm.snapshotState();
        for (uint256 n = 0; n < 3; ++n) {
            uint256 k = n == 0 ? 0 : 1;
            if (n == 0) put(setsAt() + 1, 240, 8, 1);
            if (n == 1) put(setsAt() + 2, 240, 8, 0);
            if (n == 2) put(setsAt() + 2, 192, 32, 3);
            CommittedBatch memory b = post();
            bytes memory data = abi.encodeCall(
                IFormatChallenges.challengeSetNeighbours, (b, k, opening(setsAt() + k), opening(setsAt() + k + 1))
            );
            convict(b, data, "set_malformed");
            vm.revertToState(snapshot);
            snapshot = vm.snapshotState();
        }
    }

    function test_a_set_that_does_not_sum_to_a_million() external {
        put(setsAt() + 2, 168 - 56, 24, 499_999);
        CommittedBatch memory b = post();
        bytes memory data =
            abi.encodeCall(IFormatChallenges.challengeSetSum, (b, 1, openings(setsAt() + 1, setsAt() + 2)));
        convict(b, data, "set_malformed");
    }

    function test_a_pointer_outside_the_sets_or_into_the_middle_of_one() external {
        uint256[3] memory targets = [setsAt() - 1, setsAt() + 3, setsAt() + 2];
        uint256 snapshot = vm.snapshotState();
        for (uint256 n = 0; n < 3; ++n) {
            put(bAt(3), 128, 32, targets[n]);
            CommittedBatch memory b = post();
            Opening[] memory parts = n == 2 ? openings(targets[n]) : new Opening[](0);
            bytes memory data = abi.encodeCall(IFormatChallenges.challengeSetPointer, (b, 3, opening(bAt(3)), parts));
            convict(b, data, "set_pointer");
            vm.revertToState(snapshot);
            snapshot = vm.snapshotState();
        }
    }

    function test_a_set_in_fixed_mode() external {
        put(bAt(3), 160, 32, FIXED_MODEL);
        put(bAt(3), 128, 32, setsAt());
        CommittedBatch memory b = post();
        bytes memory data =
            abi.encodeCall(IReceiptChallenges.challengeAdmission, (b, 3, opening(bAt(3)), 0, 0, new Opening[](0)));
        convict(b, data, "set_in_fixed_mode");
    }

    function test_a_dataset_that_is_not_admitted() external {
        uint256 i = with(2);
        put(setsAt() + 2, 168 - 32, 32, 6);
        CommittedBatch memory b = post();
        Opening[] memory parts = openings(setsAt() + 2);
        refuse(
            abi.encodeCall(IReceiptChallenges.challengeAdmission, (b, i, opening(bAt(i)), 1, 0, parts)),
            IChallenges.ChallengeInnocent.selector
        );
        bytes memory data = abi.encodeCall(IReceiptChallenges.challengeAdmission, (b, i, opening(bAt(i)), 1, 1, parts));
        convict(b, data, "set_not_admitted");
    }
}
