// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {CommittedBatch, IChallenges, Opening} from "./IChallenges.sol";

/// @title One-step fraud proofs: a batch against its own header, charges and form
interface IFormatChallenges is IChallenges {
    /// @notice Element 0 or 1 differs from the header.
    function challengeHeader(CommittedBatch calldata batch, uint256 position, Opening calldata opening) external;

    /// @notice A used element is 2^248 or more.
    function challengeElement(CommittedBatch calldata batch, uint256 position, Opening calldata opening) external;

    /// @notice P_p is not charges[p], or its last index lies outside.
    function challengeCharge(CommittedBatch calldata batch, uint256 p, Opening calldata opening) external;

    /// @notice B_i by itself: seqOffset or payerIndex out of range, the first or last payerIndex or the last
    /// cumulativeFee wrong, a start more than CLOCK_TOLERANCE after the first commit, an asset that was not registered by
    /// then, or a Dataset.
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
}
