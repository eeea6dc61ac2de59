// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {BatchHeader, BatchRecord, BatchStatus, Charge} from "./BatchTypes.sol";
import {InferenceReceipt} from "./InferenceReceipt.sol";
import {IIntakePause} from "./IIntakePause.sol";

/// @title Batches of receipts, from commit to payout
/// @notice A batch stands as a hash over its header, its blobs' versioned hashes and its charges. Its money is taken
/// into custody when it is committed and is paid to the distributor once the challenge window has passed.
/// Open → Finalized, or Open → Voided → Open again (refilled).
/// @dev What a commit is not checked for is that the blobs hold what the header says: that is for challenges, inside
/// the window. The windows are constants in Windows.sol.
interface IReceiptLedger is IIntakePause {
    event BlobsAttested(bytes32 indexed postHash, uint40 l1Time);
    event BatchCommitted(
        uint64 indexed batchId,
        address indexed operator,
        uint16 indexed lane,
        bytes32 batchCommitment,
        uint64 reserve,
        uint40 committedAt,
        uint40 termsFrom,
        uint40 attestedAt,
        BatchHeader header,
        bytes32[] versionedHashes,
        Charge[] charges
    );
    /// @dev Follows BatchCommitted where attestedAt is 0.
    /// @param dataCommitment Under which another data availability layer holds the blobs.
    event BatchUnattested(uint64 indexed batchId, bytes dataCommitment);
    event BatchFinalized(uint64 indexed batchId, uint64 totalFee);
    event BatchVoided(uint64 indexed batchId, address indexed challenger, bytes32 fault);
    event BatchRefilled(
        uint64 indexed batchId,
        address indexed operator,
        uint16 indexed lane,
        bytes32 batchCommitment,
        uint64 reserve,
        uint40 committedAt,
        uint40 termsFrom,
        uint40 attestedAt,
        BatchHeader header,
        bytes32[] versionedHashes,
        Charge[] charges
    );

    error LedgerAddressZero();
    /// @dev A contract that this one is to work with was built for another one.
    error LedgerWiring(address expected, address found);
    error LedgerProtocolPpm(uint32 ppm);
    error LedgerNotInbox(address caller);
    error LedgerLengthMismatch(uint256 postHashes, uint256 l1Times);
    error LedgerNotOperator(address caller, address operator);
    error LedgerWrongSeq(uint64 firstSeq, uint64 nextSeq);
    error LedgerNoReceipts();
    error LedgerPayerCount(uint256 payerCount, uint256 charges, uint256 limit);
    error LedgerBlobCount(uint256 blobCount, uint256 versionedHashes, uint256 limit);
    error LedgerLayout(uint256 usedFieldElements, uint256 blobCount);
    error LedgerVersionByte(uint256 position, bytes32 versionedHash);
    error LedgerBlobsNotAttested(bytes32 postHash);
    error LedgerBlobsTooOld(bytes32 postHash, uint40 attestedAt);
    error LedgerTotalFee(uint128 totalFee, uint64 charged);
    error LedgerNoSuchBatch(uint64 batchId);
    error LedgerRecordMismatch(uint64 batchId, bytes32 stored, bytes32 given);
    error LedgerBatchNotOpen(uint64 batchId, BatchStatus status);
    error LedgerWindowOpen(uint64 batchId, uint40 endsAt);
    error LedgerNotChallenges(address caller);
    error LedgerBatchNotVoided(uint64 batchId, BatchStatus status);
    error LedgerCommitmentMismatch(bytes32 committed, bytes32 given);
    error LedgerNoSuchPayer(uint256 index, uint256 charges);
    error LedgerRefillTime(uint64 batchId, uint40 from, uint40 until);
    error LedgerRefundsOutstanding(uint64 batchId, uint16 outstanding);
    /// @dev Blobs of the batch were demanded and not posted yet.
    error LedgerBlobsDemanded(uint64 batchId, uint8 open);
    error LedgerNotTheHole(uint64 batchId, uint64 firstSeq, uint24 count);

    /// @notice Takes the word of the L1 inbox that blobs were posted. The newest time of each post is kept; a message
    /// that arrives late, twice or out of order changes nothing else.
    /// @dev Requires the inbox, as the deposit path shows it: its aliased address, or through the messenger.
    function attest(bytes32[] calldata postHashes, uint40[] calldata l1Times) external;

    /// @notice Commits the next batch of one of the caller's lanes.
    /// @dev Effects: the charges go into custody, part of the bond is held, the lane's next sequence number rises by
    /// the count, the challenge window starts. Requires that intake is open; the operator; firstSeq = nextSeq; count ≥
    /// 1; 1 ≤ payerCount = charges ≤ min(count, MAX_PAYERS); 1 ≤ blobCount = versionedHashes ≤ 6, as many as the layout
    /// fills; version bytes; all blobs attested as one post, at most BLOB_MAX_AGE ago; charges ascending, Σ =
    /// totalFee; free bond; an operator deposit that covers shortfalls.
    function commitBatch(BatchHeader calldata header, bytes32[] calldata versionedHashes, Charge[] calldata charges)
        external
        returns (uint64 batchId);

    /// @notice Commits a batch whose blobs are not on L1 but held by another data availability layer.
    /// @dev Effects and requirements of `commitBatch`, except that nothing is attested: inside the window anyone may
    /// demand the blobs (IBlobDemands), which the operator then posts on L1 or loses the batch.
    /// @param dataCommitment Where the blobs are to be found; only told on.
    function commitUnattested(
        BatchHeader calldata header,
        bytes32[] calldata versionedHashes,
        Charge[] calldata charges,
        bytes calldata dataCommitment
    ) external returns (uint64 batchId);

    /// @notice Pays an unchallenged batch's custody to the distributor and sets its bond free. Anyone may.
    /// @dev Requires the batch open and CHALLENGE_WINDOW past since its newest commit and, if it was committed
    /// unattested, since a demanded blob was last posted, and no demand open.
    /// @param record The batch as its events tell it.
    function finalizeBatch(uint64 batchId, BatchRecord calldata record) external;

    /// @notice Voids a batch on proof of a fault: refunds can be pulled, the bond that it held is taken. Challenges only.
    /// @dev Requires the batch open: until it is finalised, also after the window. Effects do not depend on how many
    /// payers there are. From now on the record has status Voided and reserve 0, and is otherwise as before.
    function voidBatch(
        uint64 batchId,
        BatchRecord calldata record,
        uint24 payerCount,
        address challenger,
        bytes32 fault
    ) external;

    /// @notice Gives payers of a voided batch their part back, into their accounts with this operator. Anyone may; a
    /// payer that was refunded before is skipped.
    /// @dev Requires the voided batch's record, and what its commit said.
    /// @param payers Indices into the charges.
    function refund(
        uint64 batchId,
        BatchRecord calldata record,
        BatchHeader calldata header,
        bytes32[] calldata versionedHashes,
        Charge[] calldata charges,
        uint256[] calldata payers
    ) external;

    /// @notice Fills the hole that a voided batch left, with the same run of the lane and new blobs.
    /// @dev Effects as of a commit, with a window of its own; keys, terms and authorizations are judged at the first
    /// commit. Works while intake is paused: a pause must not make a hole final. Requires the operator; a later second
    /// than the voiding's, at most REPOST_DEADLINE after it and at most CHALLENGE_WINDOW + REPOST_DEADLINE after the first
    /// commit (what is judged by then must not live on); the blobs attested; all refunds pulled; operator, lane, firstSeq and count as
    /// before; and what a commit requires.
    /// @param record The voided batch's.
    function recommitBatch(
        uint64 batchId,
        BatchRecord calldata record,
        BatchHeader calldata header,
        bytes32[] calldata versionedHashes,
        Charge[] calldata charges
    ) external;

    /// @notice Takes a penalty that no batch stands for. Challenges only.
    function penalizeUnposted(address operator, uint64 amount, address challenger) external returns (uint64 taken);

    /// @notice When the batch was last voided, and how many payers have not been refunded since; zeros if never.
    function voiding(uint64 batchId) external view returns (uint40 voidedAt, uint16 outstanding);

    /// @notice The only addresses that may void.
    function formatChallenges() external view returns (address);
    /// @notice This one may also penalise.
    function receiptChallenges() external view returns (address);
    /// @notice This one also says whether an unattested batch may be finalised.
    function blobDemands() external view returns (address);

    /// @notice Newest L1 time at which this post was made, or 0.
    function attestedAt(bytes32 postHash) external view returns (uint40);

    /// @notice The sequence number that the lane's next batch starts at.
    function nextSeq(address operator, uint16 lane) external view returns (uint64);

    /// @notice The greatest sequence number that the lane's commits are known to have reached by `time`, exclusive.
    /// @dev Known are the newest commit and two earlier marks. What was reached LANE_MARK_SPACING before `time` is told
    /// for as long after it; batches that were committed in between are not final yet, and tell it themselves.
    function seqReachedBy(address operator, uint16 lane, uint40 time) external view returns (uint64);

    /// @notice The newest batch's id; ids are 1 … batchCount.
    function batchCount() external view returns (uint64);

    /// @notice keccak256(abi.encode(record)) while the batch is open or voided, 0 after.
    function batchHash(uint64 batchId) external view returns (bytes32);

    /// @notice The batch's status: the record's if it is the present one, Finalized if the batch has left, None if it
    /// was never committed. Reverts on any other record.
    function batchStatus(uint64 batchId, BatchRecord calldata record) external view returns (BatchStatus);

    /// @notice EIP-712 digest that an operator's lane key signs for a receipt.
    function receiptDigest(InferenceReceipt calldata receipt) external view returns (bytes32);

    /// @notice Part of every fee that is the protocol's, and who gets it.
    function protocolPpm() external view returns (uint32);
    function protocolPayee() external view returns (address);
}
