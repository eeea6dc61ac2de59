// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {BatchRecord} from "./BatchTypes.sol";
import {CommittedBatch, IChallenges, Opening} from "./IChallenges.sol";
import {InferenceReceipt} from "./InferenceReceipt.sol";

/// @title One-step fraud proofs: a batch against signed receipts, published prices and terms
interface IReceiptChallenges is IChallenges {
    /// @notice An operator paid the penalty for a receipt that it signed and did not post in time, or could not post.
    event ReceiptUnposted(
        address indexed operator, uint16 indexed lane, uint64 seq, bytes32 digest, address challenger, uint64 penalty
    );

    /// @dev The signed receipt is not the one that stands there.
    error ChallengeOtherReceipt(bytes32 digest);
    error ChallengeSignerUnknown(address signer);
    error ChallengeReceiptPosted(uint64 seq, uint64 nextSeq);
    error ChallengeReceiptNotDue(uint256 dueAt);
    error ChallengePenaltyTooSoon(uint256 notBefore);
    error ChallengeNothingToTake(address operator);

    /// @notice At a signed receipt's sequence number another digest stands.
    function challengeAltered(
        CommittedBatch calldata batch,
        InferenceReceipt calldata receipt,
        bytes calldata signature,
        uint256 i,
        Opening calldata a,
        Opening calldata b
    ) external;

    /// @notice A field of B_i is not the signed receipt's; the fee and the set have functions of their own.
    function challengeField(
        CommittedBatch calldata batch,
        InferenceReceipt calldata receipt,
        bytes calldata signature,
        uint256 i,
        Opening calldata a,
        Opening calldata b
    ) external;

    /// @notice The fee of B_i is not the signed receipt's.
    /// @param bs B_i, and B_{i−1} unless i is 0.
    function challengeSignedFee(
        CommittedBatch calldata batch,
        InferenceReceipt calldata receipt,
        bytes calldata signature,
        uint256 i,
        Opening calldata a,
        Opening[] calldata bs
    ) external;

    /// @notice The set that B_i points at is not the one whose hash was signed.
    /// @param parts All parts of the set.
    function challengeSignedSet(
        CommittedBatch calldata batch,
        InferenceReceipt calldata receipt,
        bytes calldata signature,
        uint256 i,
        Opening calldata a,
        Opening calldata b,
        Opening[] calldata parts
    ) external;

    /// @notice The fee of B_i is not the published price × units.
    /// @param bs B_i, and B_{i−1} unless i is 0.
    function challengePrice(CommittedBatch calldata batch, uint256 i, Opening[] calldata bs) external;

    /// @notice The fee of B_i is below the terms' floor price × units.
    /// @param bs B_i, and B_{i−1} unless i is 0.
    function challengeFloor(CommittedBatch calldata batch, uint256 i, Opening[] calldata bs) external;

    /// @notice B_i has a set though its terms are of mode Fixed, or the set names a dataset that they don't admit.
    /// @param part Which part of the set names it; `entry` says where in it. Both without meaning in mode Fixed.
    /// @param parts That part, or nothing in mode Fixed.
    function challengeAdmission(
        CommittedBatch calldata batch,
        uint256 i,
        Opening calldata b,
        uint256 part,
        uint256 entry,
        Opening[] calldata parts
    ) external;

    /// @notice A receipt was signed, its posting is overdue, and the lane has not come to its sequence number. Takes a
    /// fixed penalty from the operator's loose bond, once per lane and POST_DEADLINE.
    /// @dev Requires an end time, or the end of a pause of intake, more than POST_DEADLINE ago, and a lane key that was
    /// active at any time in the last two POST_DEADLINEs. Posting late stays allowed.
    function penalizeUnposted(InferenceReceipt calldata receipt, bytes calldata signature) external;

    /// @notice A receipt was signed for a sequence number that a commit had taken more than CLOCK_TOLERANCE before the
    /// receipt started: no batch holds it, and none can. The same penalty, by the same rules of key and frequency.
    /// @param batchId A batch that is not final yet and took the number, with its `record`; or 0 (and any record) to go by
    /// how far the lane had come (IReceiptLedger.seqReachedBy).
    function penalizeConsumed(
        InferenceReceipt calldata receipt,
        bytes calldata signature,
        uint64 batchId,
        BatchRecord calldata record
    ) external;

    /// @notice When this lane was last penalised, or 0.
    function penalizedAt(address operator, uint16 lane) external view returns (uint40);
}
