// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

/// @notice What an operator says about a batch of receipts. The blobs repeat every field (FE 0 and FE 1), except the
/// attribution method and the hash of its parameters, which stand only here.
struct BatchHeader {
    address operator;
    uint16 lane;
    /// Sequence number of the batch's first receipt; the batch holds firstSeq … firstSeq + count − 1 of its lane.
    uint64 firstSeq;
    uint24 count;
    uint24 payerCount;
    /// Field elements that hold attribution sets.
    uint24 setFeCount;
    /// Sum of all fees, in base units of the token.
    uint128 totalFee;
    uint8 blobCount;
    /// Least startedAt of the batch's receipts, in Unix seconds.
    uint40 baseTime;
    bytes32 attributionMethod;
    bytes32 attributionParamsHash;
}

/// @notice One payer's part of a batch. A batch lists them strictly ascending by payer; an amount may be zero.
struct Charge {
    address payer;
    uint64 amount;
}

/// @notice Finalized batches leave no record: their slot is cleared, see `IReceiptLedger.batchStatus`.
enum BatchStatus {
    None,
    Open,
    Voided,
    Finalized
}

/// @notice What the ledger remembers of a batch that is open or voided. It stores only the hash of this record
/// (one slot a batch); whoever acts on a batch hands the record back. All of it stands in the batch's events.
struct BatchRecord {
    BatchStatus status;
    address operator;
    uint16 lane;
    uint64 firstSeq;
    uint24 count;
    uint64 totalFee;
    /// Part of the operator's bond that this batch holds; 0 once voided.
    uint64 reserve;
    /// Block time of the first commit: keys, prices, terms and authorizations are judged by it.
    uint40 firstCommittedAt;
    /// Block time of the newest commit: the challenge window starts there.
    uint40 committedAt;
    /// Receipts that started earlier are judged as if they had started now: POST_DEADLINE before the first commit, and
    /// earlier by as much as a pause of intake took of that time.
    uint40 termsFrom;
    /// L1 time of the blobs' post; 0 if the batch was committed unattested, and its blobs may be demanded.
    uint40 attestedAt;
    /// keccak256(abi.encode(header, versionedHashes, charges)).
    bytes32 batchCommitment;
}
