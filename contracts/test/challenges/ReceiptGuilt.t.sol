// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {CommittedBatch, IChallenges, Opening} from "../../interfaces/IChallenges.sol";
import {InferenceReceipt} from "../../interfaces/InferenceReceipt.sol";
import {IReceiptChallenges} from "../../interfaces/IReceiptChallenges.sol";
import {GuiltModel} from "./GuiltModel.sol";

/// @notice Faults of a batch against the receipts that its operator signed.
contract ReceiptGuiltTest is GuiltModel {
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

    function test_another_receipt_proves_nothing_of_this_place() external {
        CommittedBatch memory b = post();
        bytes4 other = IReceiptChallenges.ChallengeOtherReceipt.selector;
        InferenceReceipt memory r = receipts[3];
        bytes memory s = signed(r);
        (Opening memory a, Opening memory o) = (opening(aAt(2)), opening(bAt(2)));
        refuse(abi.encodeCall(IReceiptChallenges.challengeAltered, (b, r, s, 2, a, o)), other);
        refuse(abi.encodeCall(IReceiptChallenges.challengeField, (b, r, s, 2, a, o)), other);
        refuse(abi.encodeCall(IReceiptChallenges.challengeSignedFee, (b, r, s, 2, a, fees(2))), other);
        // Nor does the same number of another lane, or of another operator.
        r.lane = 1;
        s = signed(r);
        refuse(abi.encodeCall(IReceiptChallenges.challengeAltered, (b, r, s, 3, opening(aAt(3)), opening(bAt(3)))), other);
        (r.lane, r.operator) = (0, stranger);
        s = signed(r);
        refuse(abi.encodeCall(IReceiptChallenges.challengeAltered, (b, r, s, 3, opening(aAt(3)), opening(bAt(3)))), other);
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
}
