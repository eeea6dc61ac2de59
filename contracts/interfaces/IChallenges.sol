// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {BatchHeader, BatchRecord, Charge} from "./BatchTypes.sol";
import {IAttributionRegistry} from "./IAttributionRegistry.sol";
import {InferenceReceipt} from "./InferenceReceipt.sol";
import {IOperators} from "./IOperators.sol";
import {IReceiptLedger} from "./IReceiptLedger.sol";

/// @notice A batch as its newest commit's event tells it. Everything is checked against the ledger's hash.
struct CommittedBatch {
    uint64 batchId;
    BatchRecord record;
    BatchHeader header;
    bytes32[] versionedHashes;
    Charge[] charges;
}

/// @notice Proof that a field element has a value. Where it stands is the function's to say: the point is derived from
/// the position on chain.
struct Opening {
    bytes32 value;
    /// KZG commitment and proof laid end to end, 48 bytes each.
    bytes commitmentAndProof;
}

/// @title One-step fraud proofs
/// @notice Whoever shows a fault of an open batch voids it: the payers' money can be pulled back, the bond that the
/// batch held is taken, SLASH_REWARD_PPM of it for the challenger. An honest batch can't be voided by any of these,
/// whatever the arguments.
/// @dev Positions count field elements over the whole batch: A_i = 2 + 2i, B_i = 3 + 2i, P_p = 2 + 2·count + p, S_k = 2 +
/// 2·count + payerCount + k (docs/spec/blob.md). All functions require that the batch is open, that `batch` is what was
/// committed, and that every opening is valid; they revert with ChallengeInnocent if what is shown is no fault.
/// The names of faults are those of the indexer's findings.
interface IChallenges {
    /// @notice An operator paid the penalty for a receipt that it signed and did not post in time.
    event ReceiptUnposted(
        address indexed operator, uint16 indexed lane, uint64 seq, bytes32 digest, address challenger, uint64 penalty
    );

    error ChallengeAddressZero();
    /// @dev What was shown is as it should be.
    error ChallengeInnocent();
    error ChallengeCommitmentMismatch(bytes32 committed, bytes32 given);
    error ChallengeOutOfRange(uint256 index, uint256 limit);
    error ChallengeOpeningCount(uint256 openings, uint256 needed);
    error ChallengeOpeningInvalid(bytes32 versionedHash, uint256 index);
    /// @dev The signed receipt is not the one that stands there.
    error ChallengeOtherReceipt(bytes32 digest);
    error ChallengeSignerUnknown(address signer);
    /// @dev The openings are of something that has a fault of its own, or of no set at all; challenge that.
    error ChallengeNoSuchSet(uint256 position);
    error ChallengeReceiptPosted(uint64 seq, uint64 nextSeq);
    error ChallengeReceiptNotDue(uint256 dueAt);
    error ChallengePenaltyTooSoon(uint256 notBefore);
    error ChallengeNothingToTake(address operator);

    /// @notice Element 0 or 1 differs from the header.
    function challengeHeader(CommittedBatch calldata batch, uint256 position, Opening calldata opening) external;

    /// @notice A used element is 2^248 or more.
    function challengeElement(CommittedBatch calldata batch, uint256 position, Opening calldata opening) external;

    /// @notice P_p is not charges[p], or its last index lies outside.
    function challengeCharge(CommittedBatch calldata batch, uint256 p, Opening calldata opening) external;

    /// @notice B_i by itself: seqOffset or payerIndex out of range, the first or last payerIndex or the last
    /// cumulativeFee wrong, an asset that was not registered by the first commit, or a Dataset.
    function challengeReceipt(CommittedBatch calldata batch, uint256 i, Opening calldata b) external;

    /// @notice B_i and B_{i+1}: payerIndex falls or jumps, seqOffset does not rise within a payer, cumulativeFee falls.
    function challengeNeighbours(CommittedBatch calldata batch, uint256 i, Opening calldata b, Opening calldata next)
        external;

    /// @notice B_i is a payer's last receipt (B_{i+1} is the next payer's), and the sum so far is not Σ charges so far.
    function challengePayerTotal(CommittedBatch calldata batch, uint256 i, Opening calldata b, Opening calldata next)
        external;

    /// @notice P_p's last index is L, and B_L is another payer's, or B_{L+1} is still this one's.
    /// @param i L or L + 1: which of the two is opened.
    function challengePayerLast(
        CommittedBatch calldata batch,
        uint256 p,
        Opening calldata payer,
        uint256 i,
        Opening calldata b
    ) external;

    /// @notice Two receipts have one sequence number (and so another has none).
    function challengeDuplicate(
        CommittedBatch calldata batch,
        uint256 i,
        uint256 j,
        Opening calldata bOfI,
        Opening calldata bOfJ
    ) external;

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

    /// @notice The fee of B_i is not the published price × units, or is below the terms' floor.
    /// @param bs B_i, and B_{i−1} unless i is 0.
    function challengePrice(CommittedBatch calldata batch, uint256 i, Opening[] calldata bs) external;

    /// @notice S_k by itself breaks the form of a set.
    function challengeSetPart(CommittedBatch calldata batch, uint256 k, Opening calldata part) external;

    /// @notice S_k and S_{k+1} do not go together: parts out of step, or assetIds that don't ascend.
    function challengeSetNeighbours(
        CommittedBatch calldata batch,
        uint256 k,
        Opening calldata part,
        Opening calldata next
    ) external;

    /// @notice The ppm of the set that begins at S_k do not sum to 1,000,000.
    /// @param parts All parts of the set.
    function challengeSetSum(CommittedBatch calldata batch, uint256 k, Opening[] calldata parts) external;

    /// @notice B_i points outside the sets, or into the middle of one.
    /// @param parts What it points at, if that is among the sets, else nothing.
    function challengeSetPointer(
        CommittedBatch calldata batch,
        uint256 i,
        Opening calldata b,
        Opening[] calldata parts
    ) external;

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

    function ledger() external view returns (IReceiptLedger);
    function registry() external view returns (IAttributionRegistry);
    function operators() external view returns (IOperators);

    /// @notice When this lane was last penalised, or 0.
    function penalizedAt(address operator, uint16 lane) external view returns (uint40);
}
