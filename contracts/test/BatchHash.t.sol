// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {BatchHeader, BatchRecord, BatchStatus, Charge} from "../interfaces/BatchTypes.sol";
import {CommittedBatch, IChallenges, Opening} from "../interfaces/IChallenges.sol";
import {IFormatChallenges} from "../interfaces/IFormatChallenges.sol";
import {BatchHash} from "../src/libraries/BatchHash.sol";
import {World} from "./World.sol";

/// @notice Hashes of calldata as it lies there are those of its encoding, and of nothing else.
contract BatchHashTest is World {
    function ofRecord(BatchRecord calldata record) external pure returns (bytes32) {
        return BatchHash.ofRecord(record);
    }

    function ofVoided(BatchRecord calldata record) external pure returns (bytes32) {
        return BatchHash.ofVoided(record);
    }

    function ofContents(BatchHeader calldata header, bytes32[] calldata hashes, Charge[] calldata charges)
        external
        pure
        returns (bytes32)
    {
        return BatchHash.ofContents(header, hashes, charges);
    }

    function testFuzz_a_record_hashes_to_its_encoding(uint256[12] memory words) external view {
        BatchRecord memory record = BatchRecord({
            status: BatchStatus(words[0] % 4),
            operator: address(uint160(words[1])),
            lane: uint16(words[2]),
            firstSeq: uint64(words[3]),
            count: uint24(words[4]),
            totalFee: uint64(words[5]),
            reserve: uint64(words[6]),
            firstCommittedAt: uint40(words[7]),
            committedAt: uint40(words[8]),
            termsFrom: uint40(words[9]),
            attestedAt: uint40(words[10]),
            batchCommitment: bytes32(words[11])
        });
        vm.assertEq(this.ofRecord(record), keccak256(abi.encode(record)));
        bytes32 voided = this.ofVoided(record);
        (record.status, record.reserve) = (BatchStatus.Voided, 0);
        vm.assertEq(voided, keccak256(abi.encode(record)));
    }

    function testFuzz_contents_hash_to_their_encoding(
        BatchHeader memory header,
        bytes32[] memory hashes,
        Charge[] memory charges
    ) external view {
        vm.assertEq(this.ofContents(header, hashes, charges), keccak256(abi.encode(header, hashes, charges)));
    }

    /* STRAY BITS */

    /// The call with a bit set above the field in the word at `offset`.
    function spoiled(bytes memory call, uint256 offset) private pure returns (bytes memory) {
        call[4 + offset] = bytes1(uint8(call[4 + offset]) | 0x80);
        return call;
    }

    /// Whoever hands a field over with bits above it is refused: nothing is taken that has two encodings.
    function test_calldata_with_stray_bits_is_no_evidence() external {
        deposit(payer, 1_000);
        depositBond(2_000e6);
        authorizeAs(PAYER_KEY, payer, 1_000, inDays(30));
        CommittedBatch memory b;
        b.charges = charge(payer, 100);
        b.header = headerFor(b.charges, 2);
        b.versionedHashes = hashesFor(1, 0);
        attest(b.versionedHashes, clock());
        for (uint256 word = 0; word < 9; ++word) {
            bytes memory call = abi.encodeCall(ledger.commitBatch, (b.header, b.versionedHashes, b.charges));
            vm.prank(operator);
            (bool taken,) = address(ledger).call(spoiled(call, 32 * word));
            vm.assertFalse(taken, "a header that nobody could name again");
        }
        (b.batchId, b.record) = commit(b.charges);
        skip(7 days + 1);
        for (uint256 word = 0; word < 11; ++word) {
            bytes memory call = abi.encodeCall(ledger.finalizeBatch, (b.batchId, b.record));
            (bool taken,) = address(ledger).call(spoiled(call, 32 + 32 * word));
            vm.assertFalse(taken, "a record");
        }
        // The batch stands after the three arguments' heads; its id and record come before its header.
        Opening memory o = Opening(0, new bytes(96));
        for (uint256 word = 13; word < 22; ++word) {
            bytes memory call = abi.encodeCall(IFormatChallenges.challengeHeader, (b, 0, o));
            (bool taken, bytes memory answer) = address(formatChallenges).call(spoiled(call, 96 + 32 * word));
            vm.assertFalse(taken, "a batch");
            vm.assertEq(bytes32(bytes4(answer)), bytes32(IChallenges.ChallengeCommitmentMismatch.selector));
        }
        ledger.finalizeBatch(b.batchId, b.record);
    }
}
