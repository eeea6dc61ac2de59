// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {BatchRecord, BatchStatus} from "../../interfaces/BatchTypes.sol";
import {CommittedBatch, Opening} from "../../interfaces/IChallenges.sol";
import {IReceiptLedger} from "../../interfaces/IReceiptLedger.sol";
import {BlobModel} from "./BlobModel.sol";

/// @notice A batch to spoil, and what to expect then: each fault of the specification's table voids the batch that has it.
abstract contract GuiltModel is BlobModel {
    /// A seed whose batch has 6 receipts, 2 payers and the sets, with a double and a single set in use.
    uint256 internal seed;

    function setUp() public override {
        super.setUp();
        for (seed = 1;; ++seed) {
            build(seed, 6);
            if (header.count == 6 && header.payerCount == 2 && header.setFeCount == 3 && with(2) < 6 && with(1) < 6) break;
        }
    }

    /// The first receipt whose set is none (0), the single (1) or the double one (2).
    function with(uint256 set) internal view returns (uint256 i) {
        while (i < header.count && pointer(i) != (set == 0 ? 0 : setsAt() + set - 1)) ++i;
    }

    function pointer(uint256 i) internal view returns (uint256) {
        return uint32(elements[bAt(i)] >> 128);
    }

    /// Puts `value` into a field of an element.
    function put(uint256 position, uint256 shift, uint256 bits, uint256 value) internal {
        uint256 mask = ((1 << bits) - 1) << shift;
        elements[position] = (elements[position] & ~mask) | (value << shift);
    }

    function fees(uint256 i) internal view returns (Opening[] memory) {
        return i == 0 ? openings(bAt(0)) : openings(bAt(i), bAt(i - 1));
    }

    function refuse(bytes memory data, bytes4 reason) internal {
        (bool success, bytes memory answer) = court(data).call(data);
        vm.assertFalse(success);
        vm.assertEq(bytes32(bytes4(answer)), bytes32(reason));
    }

    function convict(CommittedBatch memory b, bytes memory data, bytes32 fault) internal {
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
}
