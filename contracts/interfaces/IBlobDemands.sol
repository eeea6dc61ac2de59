// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {CommittedBatch, IChallenges} from "./IChallenges.sol";

enum DemandStatus {
    None,
    Open,
    Answered,
    Returned
}

/// @notice A demand for one blob of one filling of a batch.
struct Demand {
    address demander;
    uint40 dueAt;
    DemandStatus status;
}

/// @title Blobs of unattested batches, on demand
/// @notice A batch that was committed unattested keeps its blobs on another data availability layer. Whoever can't get
/// one there demands it here, with a deposit that pays for a post on L1. The operator posts it through BlobInbox and
/// takes the deposit, and the challenge window starts again; or the batch is voided and the deposit goes back.
/// @dev Each blob of a filling can be demanded once, inside CHALLENGE_WINDOW from its commit (a restarted window takes
/// no further demands): a batch is held up for at most DEMAND_DEADLINE + CHALLENGE_WINDOW, and longer only by an operator
/// that is late itself. Works while intake is paused. Deposits that the token refuses to pay out stay here, nobody's.
interface IBlobDemands is IChallenges {
    event BlobDemanded(
        uint64 indexed batchId,
        address indexed demander,
        uint256 blob,
        bytes32 versionedHash,
        uint64 deposit,
        uint40 dueAt
    );
    event DemandAnswered(
        uint64 indexed batchId, address indexed operator, uint256 blob, bytes32 postHash, uint64 deposit
    );
    event DemandReturned(uint64 indexed batchId, address indexed demander, uint256 blob, uint64 deposit);

    error DemandDepositZero();
    error DemandBatchAttested(uint64 batchId);
    error DemandTooLate(uint40 until);
    error DemandMadeBefore(uint64 batchId, uint256 blob);
    error DemandNotOpen(uint64 batchId, uint256 blob, DemandStatus status);
    error DemandNotDue(uint40 dueAt);
    /// @dev The batch still stands as it did when the blob was demanded.
    error DemandBatchStands(uint64 batchId);
    error DemandOtherBlob(bytes32 demanded, bytes32 posted);
    error DemandNotPosted(bytes32 postHash, uint40 attestedAt);

    /// @notice Demands blob `blob` of the batch on L1, within DEMAND_DEADLINE. Takes `depositUnits` from the caller.
    /// @dev Requires the batch open, committed unattested at most CHALLENGE_WINDOW ago, and no earlier demand for it.
    function demandBlob(CommittedBatch calldata batch, uint256 blob) external;

    /// @notice Shows that a demanded blob was posted: the deposit is the operator's, the window starts again. Anyone may,
    /// also after the deadline as long as nobody has voided the batch.
    /// @dev Requires the batch open, the demand open, and a post attested at most BLOB_MAX_AGE ago that holds the blob.
    /// @param post The versioned hashes of that post.
    /// @param index Where among them the blob's stands.
    function answer(CommittedBatch calldata batch, uint256 blob, bytes32[] calldata post, uint256 index) external;

    /// @notice Voids a batch whose demanded blob was not posted in time. The reward is the demander's, whoever calls.
    function voidWithheld(CommittedBatch calldata batch, uint256 blob) external;

    /// @notice Returns the deposit of an open demand whose batch was voided, whatever for. Anyone may.
    /// @param recordHash keccak256 of the record at the time of the demand.
    function reclaim(uint64 batchId, bytes32 recordHash, uint256 blob) external;

    function token() external view returns (IERC20);

    /// @notice What a demand costs whoever makes it in vain.
    function depositUnits() external view returns (uint64);

    function demandOf(uint64 batchId, bytes32 recordHash, uint256 blob) external view returns (Demand memory);

    /// @notice When a demanded blob of this filling was last posted (0: never), and how many demands are open.
    function standing(uint64 batchId, bytes32 recordHash) external view returns (uint40 postedAt, uint8 open);
}
