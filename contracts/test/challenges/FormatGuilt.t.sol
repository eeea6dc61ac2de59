// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {Kind} from "../../interfaces/IAttributionRegistry.sol";
import {CommittedBatch, IChallenges, Opening} from "../../interfaces/IChallenges.sol";
import {IFormatChallenges} from "../../interfaces/IFormatChallenges.sol";
import {IReceiptLedger} from "../../interfaces/IReceiptLedger.sol";
import {GuiltModel} from "./GuiltModel.sol";

/// @notice Faults of a batch against its own header, charges and form.
contract FormatGuiltTest is GuiltModel {
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
}
