// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BatchRecord} from "../interfaces/BatchTypes.sol";
import {InferenceReceipt} from "../interfaces/InferenceReceipt.sol";
import {IReceiptChallenges} from "../interfaces/IReceiptChallenges.sol";
import {SignedReceipts} from "./SignedReceipts.sol";
import {BatchHash} from "./libraries/BatchHash.sol";
import {CLOCK_TOLERANCE, POST_DEADLINE} from "./Windows.sol";

/// @notice Penalties for signed receipts that no batch holds.
abstract contract UnpostedPenalties is SignedReceipts {
    uint256 private constant MS_PER_SECOND = 1000;

    /// @inheritdoc IReceiptChallenges
    mapping(address operator => mapping(uint16 lane => uint40)) public penalizedAt;

    /// @inheritdoc IReceiptChallenges
    function penalizeUnposted(InferenceReceipt calldata receipt, bytes calldata signature) external {
        uint64 next = ledger.nextSeq(receipt.operator, receipt.lane);
        require(receipt.seq >= next, ChallengeReceiptPosted(receipt.seq, next));
        uint256 dueAt = _dueAt(receipt);
        require(block.timestamp > dueAt, ChallengeReceiptNotDue(dueAt));
        _penalize(receipt, signature);
    }

    /// @inheritdoc IReceiptChallenges
    function penalizeConsumed(
        InferenceReceipt calldata receipt,
        bytes calldata signature,
        uint64 batchId,
        BatchRecord calldata record
    ) external {
        require(receipt.startedAt > CLOCK_TOLERANCE, ChallengeInnocent());
        uint40 by = receipt.startedAt - CLOCK_TOLERANCE - 1;
        bool consumed = batchId == 0
            ? receipt.seq < ledger.seqReachedBy(receipt.operator, receipt.lane, by)
            : _consumes(batchId, record, receipt, by);
        require(consumed, ChallengeInnocent());
        _penalize(receipt, signature);
    }

    /// @dev Whether a batch that is not final yet had taken the receipt's sequence number by then.
    function _consumes(
        uint64 batchId,
        BatchRecord calldata record,
        InferenceReceipt calldata receipt,
        uint40 by
    ) private view returns (bool) {
        bytes32 given = BatchHash.ofRecord(record);
        bytes32 stored = ledger.batchHash(batchId);
        require(stored == given, ChallengeCommitmentMismatch(stored, given));
        return record.operator == receipt.operator && record.lane == receipt.lane
            && receipt.seq >= record.firstSeq && receipt.seq - record.firstSeq < record.count
            && record.firstCommittedAt <= by;
    }

    function _penalize(InferenceReceipt calldata receipt, bytes calldata signature) private {
        (address operator, uint16 lane) = (receipt.operator, receipt.lane);
        uint40 time = uint40(block.timestamp);
        uint40 before = penalizedAt[operator][lane];
        require(before == 0 || time > before + POST_DEADLINE, ChallengePenaltyTooSoon(before + POST_DEADLINE));
        bytes32 digest = ledger.receiptDigest(receipt);
        // Once POST_DEADLINE for the posting and once for whoever watches: revoking the key is no way out.
        _requireKey(operator, lane, digest, signature, time - 2 * POST_DEADLINE, time);

        penalizedAt[operator][lane] = time;
        uint64 taken = ledger.penalizeUnposted(operator, operators.reserveFor(0), msg.sender);
        require(taken != 0, ChallengeNothingToTake(operator));
        emit ReceiptUnposted(operator, lane, receipt.seq, digest, msg.sender, taken);
    }

    /// @dev POST_DEADLINE after the answer ended, or after intake was last paused: nobody could post until then.
    function _dueAt(InferenceReceipt calldata receipt) private view returns (uint256) {
        uint256 from = receipt.startedAt + (uint256(receipt.durationMs) + MS_PER_SECOND - 1) / MS_PER_SECOND;
        uint256 pausedUntil = ledger.intakePausedUntil();
        if (pausedUntil > from) from = pausedUntil;
        return from + POST_DEADLINE;
    }
}
