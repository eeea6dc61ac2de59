// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {BatchStatus} from "../interfaces/BatchTypes.sol";
import {IAttributionRegistry} from "../interfaces/IAttributionRegistry.sol";
import {Demand, DemandStatus, IBlobDemands} from "../interfaces/IBlobDemands.sol";
import {CommittedBatch} from "../interfaces/IChallenges.sol";
import {IOperators} from "../interfaces/IOperators.sol";
import {IReceiptLedger} from "../interfaces/IReceiptLedger.sol";
import {ChallengeEvidence} from "./ChallengeEvidence.sol";
import {BatchHash} from "./libraries/BatchHash.sol";
import {ExactTransfer} from "./libraries/ExactTransfer.sol";
import {BLOB_MAX_AGE, CHALLENGE_WINDOW, DEMAND_DEADLINE} from "./Windows.sol";

contract BlobDemands is ChallengeEvidence, IBlobDemands, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using ExactTransfer for IERC20;

    /// What became of a filling's demands, in one slot.
    struct Standing {
        uint40 postedAt;
        uint8 open;
    }

    IERC20 public immutable token;
    uint64 public immutable depositUnits;

    /// @inheritdoc IBlobDemands
    mapping(uint64 batchId => mapping(bytes32 recordHash => Standing)) public standing;
    mapping(uint64 batchId => mapping(bytes32 recordHash => mapping(uint256 blob => Demand))) private _demands;

    constructor(
        IReceiptLedger ledger_,
        IAttributionRegistry registry_,
        IOperators operators_,
        IERC20 token_,
        uint64 depositUnits_
    ) ChallengeEvidence(ledger_, registry_, operators_) {
        require(address(token_) != address(0), ChallengeAddressZero());
        require(depositUnits_ != 0, DemandDepositZero());
        token = token_;
        depositUnits = depositUnits_;
    }

    /// @inheritdoc IBlobDemands
    function demandBlob(CommittedBatch calldata batch, uint256 blob) external nonReentrant {
        bytes32 recordHash = _requireOpen(batch);
        require(batch.record.attestedAt == 0, DemandBatchAttested(batch.batchId));
        _requireBelow(blob, batch.versionedHashes.length);
        uint40 until = batch.record.committedAt + CHALLENGE_WINDOW;
        require(block.timestamp <= until, DemandTooLate(until));
        Demand storage demand = _demands[batch.batchId][recordHash][blob];
        require(demand.status == DemandStatus.None, DemandMadeBefore(batch.batchId, blob));
        uint40 dueAt = uint40(block.timestamp) + DEMAND_DEADLINE;
        (demand.demander, demand.dueAt, demand.status) = (msg.sender, dueAt, DemandStatus.Open);
        ++standing[batch.batchId][recordHash].open;
        emit BlobDemanded(
            batch.batchId, msg.sender, blob, batch.versionedHashes[blob], depositUnits, dueAt
        );
        token.pull(msg.sender, depositUnits);
    }

    /// @inheritdoc IBlobDemands
    function answer(
        CommittedBatch calldata batch,
        uint256 blob,
        bytes32[] calldata post,
        uint256 index
    ) external nonReentrant {
        bytes32 recordHash = _requireOpen(batch);
        _end(batch.batchId, recordHash, blob, DemandStatus.Answered);
        _requireBelow(index, post.length);
        require(
            post[index] == batch.versionedHashes[blob],
            DemandOtherBlob(batch.versionedHashes[blob], post[index])
        );
        bytes32 postHash = keccak256(abi.encodePacked(post));
        uint40 attestedAt = ledger.attestedAt(postHash);
        // As new as for a commit: then L1 keeps it for the whole of the window that begins now.
        require(block.timestamp <= attestedAt + BLOB_MAX_AGE, DemandNotPosted(postHash, attestedAt));
        standing[batch.batchId][recordHash].postedAt = uint40(block.timestamp);
        emit DemandAnswered(batch.batchId, batch.record.operator, blob, postHash, depositUnits);
        token.trySafeTransfer(batch.record.operator, depositUnits);
    }

    /// @inheritdoc IBlobDemands
    function voidWithheld(CommittedBatch calldata batch, uint256 blob) external nonReentrant {
        bytes32 recordHash = _requireOpen(batch);
        Demand memory demand = _end(batch.batchId, recordHash, blob, DemandStatus.Returned);
        require(block.timestamp > demand.dueAt, DemandNotDue(demand.dueAt));
        ledger.voidBatch(
            batch.batchId, batch.record, batch.header.payerCount, demand.demander, "blob_withheld"
        );
        _return(batch.batchId, blob, demand.demander);
    }

    /// @inheritdoc IBlobDemands
    function reclaim(uint64 batchId, bytes32 recordHash, uint256 blob) external nonReentrant {
        // A batch with an open demand can't be finalised: one that stands no more was voided.
        require(ledger.batchHash(batchId) != recordHash, DemandBatchStands(batchId));
        Demand memory demand = _end(batchId, recordHash, blob, DemandStatus.Returned);
        _return(batchId, blob, demand.demander);
    }

    /// @inheritdoc IBlobDemands
    function demandOf(uint64 batchId, bytes32 recordHash, uint256 blob) external view returns (Demand memory) {
        return _demands[batchId][recordHash][blob];
    }

    /* INTERNAL */

    function _requireOpen(CommittedBatch calldata batch) private view returns (bytes32 recordHash) {
        _requireCommitted(batch);
        recordHash = BatchHash.ofRecord(batch.record);
        bytes32 stored = ledger.batchHash(batch.batchId);
        require(
            stored == recordHash && batch.record.status == BatchStatus.Open,
            ChallengeCommitmentMismatch(stored, recordHash)
        );
    }

    function _end(uint64 batchId, bytes32 recordHash, uint256 blob, DemandStatus status)
        private
        returns (Demand memory demand)
    {
        Demand storage stored = _demands[batchId][recordHash][blob];
        demand = stored;
        require(demand.status == DemandStatus.Open, DemandNotOpen(batchId, blob, demand.status));
        stored.status = status;
        --standing[batchId][recordHash].open;
    }

    function _return(uint64 batchId, uint256 blob, address demander) private {
        emit DemandReturned(batchId, demander, blob, depositUnits);
        token.trySafeTransfer(demander, depositUnits);
    }
}
