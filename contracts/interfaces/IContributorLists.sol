// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

/// @notice A datanet's contributors and their weights, as far as they are published.
struct ContributorList {
    /// Who opened the list; nobody else can publish into it.
    address publisher;
    /// Sum of all weights.
    uint64 totalWeight;
    /// Number of contributors.
    uint32 count;
    /// Number of contributors published so far; the list is complete when this is `count`.
    uint32 published;
    /// Sum of the weights published so far.
    uint64 publishedWeight;
    /// The contributor published last; rows ascend strictly.
    address last;
    /// Root of the Merkle tree over all rows.
    bytes32 root;
}

/// @title Lists of thousands who are paid as one
/// @notice A list is committed to by the Merkle root of its rows (contributor, weight), then published in full: rows
/// come as calldata, are hashed on chain into that root, and stand in the log for good. A list that is complete has a
/// payee address, which any asset's split may name; what falls to it is divided among the contributors by weight.
/// @dev A row is `contributor (20 bytes) ‖ weight (12 bytes)`. The tree is RFC 9162's, with keccak256: a leaf is
/// keccak256(row), a parent keccak256(left ‖ right), and a tree of n > 1 leaves has the greatest power of two below n
/// on its left. Rows ascend strictly by contributor, so a list says one thing in one spelling and nobody stands twice.
/// A complete list never changes; other contributors or weights are another list, and naming it is a new version of
/// the terms, with their notice.
/// A payee address is `CONTRIBUTORS_TAG (16 bytes) ‖ listId (4 bytes)`: nobody has a key to one, and no terms can name
/// an address of that range but that of a complete list.
interface IContributorLists {
    event ContributorsOpened(
        uint32 indexed listId, address indexed publisher, bytes32 root, uint32 count, uint64 totalWeight
    );
    /// @param first Position of the first of these rows in the list, from 0.
    /// @param weightBefore Sum of the weights of all rows before it.
    event ContributorsPublished(uint32 indexed listId, uint32 first, uint64 weightBefore, bytes32[] rows);
    /// @notice Every row is published and fits the commitment.
    event ContributorsCompleted(uint32 indexed listId);

    error ContributorsCount(uint256 count, uint256 limit);
    error ContributorsWeight(uint64 totalWeight, uint32 count);
    error ContributorsListUnknown(uint32 listId);
    error ContributorsNotPublisher(uint32 listId, address caller, address publisher);
    error ContributorsRowCount(uint256 rows, uint256 missing);
    error ContributorsRowInvalid(uint256 position, bytes32 row);
    error ContributorsWeightSum(uint256 sum, uint64 totalWeight);
    error ContributorsRoot(bytes32 published, bytes32 root);
    error ContributorsIncomplete(address payee);

    /// @notice Commits to a list; the caller becomes its publisher. It counts for nothing until it is complete.
    /// @dev Requires 1 ≤ count ≤ MAX_CONTRIBUTORS and totalWeight ≥ count.
    /// @return listId Sequential, from 1.
    function openContributors(bytes32 root, uint32 count, uint64 totalWeight) external returns (uint32 listId);

    /// @notice Publishes the next rows of a list. With the last of them it is complete.
    /// @dev Requires the publisher; at least one row and no more than are missing; contributors strictly ascending
    /// over all rows, not zero and not payee addresses of lists; no weight of zero; a sum of weights that does not
    /// exceed the total, and with the last row is the total, while the rows' tree has the committed root. A list whose
    /// rows turned out wrong stays incomplete for ever: open another.
    /// Chunks of a power of two rows (from a multiple of their number) cost least.
    function publishContributors(uint32 listId, bytes32[] calldata rows) external;

    /// @notice Reverts with ContributorsListUnknown if there is no such list.
    function contributorList(uint32 listId) external view returns (ContributorList memory);

    /// @notice The newest list's id; ids are 1 … contributorListCount.
    function contributorListCount() external view returns (uint32);

    /// @notice The address by which terms name a list.
    function contributorsPayee(uint32 listId) external pure returns (address);

    /// @dev First 16 bytes of every list's payee address.
    function CONTRIBUTORS_TAG() external view returns (bytes16);

    function MAX_CONTRIBUTORS() external view returns (uint256);
}
