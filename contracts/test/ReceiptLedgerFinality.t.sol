// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {BatchRecord, BatchStatus} from "../interfaces/BatchTypes.sol";
import {IReceiptLedger} from "../interfaces/IReceiptLedger.sol";
import {LedgerModel} from "./LedgerModel.sol";

/// @notice When a batch is final, and by which record.
contract ReceiptLedgerFinalityTest is LedgerModel {
    function test_a_batch_is_final_after_its_window() external {
        BatchRecord memory record = committed();
        uint40 ends = clock() + 7 days;
        vm.warp(ends);
        vm.expectRevert(abi.encodeWithSelector(IReceiptLedger.LedgerWindowOpen.selector, uint64(1), ends));
        ledger.finalizeBatch(1, record);
        vm.warp(ends + 1);
        vm.expectEmit(address(ledger));
        emit IReceiptLedger.BatchFinalized(1, 100);
        vm.prank(stranger);
        ledger.finalizeBatch(1, record);
        vm.assertEq(token.balanceOf(address(distributor)), 100);
        vm.assertEq(distributor.totalFunded(), 100);
        vm.assertEq(operators.bond(operator).reserved, 0);
        vm.assertEq(ledger.batchHash(1), 0);
        vm.assertTrue(ledger.batchStatus(1, record) == BatchStatus.Finalized);
    }

    function test_a_batch_is_final_only_once() external {
        BatchRecord memory record = committed();
        skip(7 days + 1);
        ledger.finalizeBatch(1, record);
        vm.expectRevert(abi.encodeWithSelector(IReceiptLedger.LedgerNoSuchBatch.selector, uint64(1)));
        ledger.finalizeBatch(1, record);
    }

    function test_batches_of_a_lane_become_final_in_any_order() external {
        BatchRecord memory first = committed();
        h.firstSeq = 3;
        attestNow();
        BatchRecord memory second = recordOf(h, hashes, charges);
        commitExpecting("");
        skip(7 days + 1);
        ledger.finalizeBatch(2, second);
        ledger.finalizeBatch(1, first);
        vm.assertEq(distributor.totalFunded(), 200);
    }

    function testFuzz_a_record_with_any_field_changed_is_refused(uint256 field, uint256 change) external {
        BatchRecord memory record = committed();
        skip(7 days + 1);
        bytes memory words = abi.encode(record);
        field %= 12;
        uint256[12] memory limit = [
            uint256(4), 1 << 160, 1 << 16, 1 << 64, 1 << 24, 1 << 64, 1 << 64, 1 << 40, 1 << 40, 1 << 40, 1 << 40,
            type(uint256).max
        ];
        uint256 word;
        assembly {
            word := mload(add(add(words, 32), mul(32, field)))
        }
        change = change % limit[field];
        vm.assume(change != word);
        assembly {
            mstore(add(add(words, 32), mul(32, field)), change)
        }
        BatchRecord memory changed = abi.decode(words, (BatchRecord));
        vm.expectRevert(
            abi.encodeWithSelector(
                IReceiptLedger.LedgerRecordMismatch.selector, uint64(1), ledger.batchHash(1), keccak256(words)
            )
        );
        ledger.finalizeBatch(1, changed);
    }

    function test_a_status_needs_the_present_record() external {
        BatchRecord memory record = committed();
        vm.assertTrue(ledger.batchStatus(0, record) == BatchStatus.None);
        vm.assertTrue(ledger.batchStatus(2, record) == BatchStatus.None);
        bytes32 stored = ledger.batchHash(1);
        record.totalFee = 1;
        bytes memory mismatch = abi.encodeWithSelector(
            IReceiptLedger.LedgerRecordMismatch.selector, uint64(1), stored, keccak256(abi.encode(record))
        );
        vm.expectRevert(mismatch);
        ledger.batchStatus(1, record);
    }

    function test_a_batch_that_was_never_committed_cannot_be_finalized() external {
        BatchRecord memory record = recordOf(h, hashes, charges);
        vm.expectRevert(abi.encodeWithSelector(IReceiptLedger.LedgerNoSuchBatch.selector, uint64(1)));
        ledger.finalizeBatch(1, record);
    }
}
