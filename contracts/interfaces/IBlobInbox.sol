// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

/// @title Witness, on L1, that blobs were posted
/// @notice Reads the versioned hashes of the blobs that the running transaction carries and tells the ledger on L2,
/// which has no way to see them itself. A post is all blobs of one transaction, named by postHash = keccak256 of the
/// concatenated versioned hashes. Anyone may post anything: a post says only that these bytes were published, and when.
/// @dev Warning: an L1→L2 deposit that runs out of gas on L2 is lost. GAS limits are fixed so that it can't; a queued
/// post can be relayed again at any time.
interface IBlobInbox {
    event BlobsPosted(bytes32 indexed postHash, address indexed poster, uint40 l1Time, bytes32[] versionedHashes);
    event BlobsRelayed(bytes32[] postHashes, uint40[] l1Times);

    error InboxNoBlobs();
    error InboxNothingToRelay();
    error InboxTooManyPosts(uint256 count, uint256 limit);
    error InboxPostUnknown(bytes32 postHash);
    error InboxAddressZero();

    /// @notice Records this transaction's blobs and deposits the attestation to L2 at once.
    /// @dev Requires at least one blob.
    function postBlobs() external returns (bytes32 postHash);

    /// @notice Records this transaction's blobs; the attestation waits for `relay`, to share a deposit with others.
    function queueBlobs() external returns (bytes32 postHash);

    /// @notice Deposits one message for several queued posts, each with its own time. Anyone may, any number of times.
    /// @dev Requires 1 … MAX_RELAY posts, all of which were queued.
    function relay(bytes32[] calldata postHashes) external;

    /// @notice Newest L1 time at which this post was queued, or 0.
    function queuedAt(bytes32 postHash) external view returns (uint40);
}
