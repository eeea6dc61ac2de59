// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

/// @title RFC 9162's Merkle tree with keccak256, built leaf by leaf
/// @notice A leaf is the hash of 32 bytes and a parent that of 64, so neither passes for the other.
library ContributorTree {
    /// @dev One more than log2 of the greatest size.
    uint256 internal constant LEVELS = 17;

    /// @dev `nodes[l]` is the root of 2^l leaves in a row wherever bit l of the tree's size is set; other entries mean
    /// nothing.
    struct Peaks {
        bytes32[LEVELS] nodes;
    }

    /// @notice Adds the hash of a row to a tree of `size` leaves, as one adds 1 to a binary number.
    /// @dev In assembly because it runs once a row, thousands of times. Scratch space (0x00 to 0x3f) holds what is hashed; `size` is below 2^(LEVELS − 1), so no more than LEVELS
    /// words are read or written from `peaks` on.
    function append(Peaks memory peaks, uint256 size, bytes32 row) internal pure {
        assembly ("memory-safe") {
            mstore(0x00, row)
            let node := keccak256(0x00, 0x20)
            // A struct of one static array is a pointer to a pointer.
            let at := mload(peaks)
            for {} and(size, 1) {} {
                mstore(0x00, mload(at))
                mstore(0x20, node)
                node := keccak256(0x00, 0x40)
                at := add(at, 0x20)
                size := shr(1, size)
            }
            mstore(at, node)
        }
    }

    /// @notice The root of a tree of `size` leaves, at least one.
    function root(Peaks memory peaks, uint256 size) internal pure returns (bytes32 node) {
        bool started = false;
        for (uint256 level = 0; level < LEVELS; ++level) {
            if ((size >> level) & 1 == 0) continue;
            node = started ? Hashes.efficientKeccak256(peaks.nodes[level], node) : peaks.nodes[level];
            started = true;
        }
    }

    /// @notice Reads the peaks of a tree of `size` leaves.
    function load(Peaks storage stored, uint256 size) internal view returns (Peaks memory peaks) {
        for (uint256 level = 0; size >> level != 0; ++level) {
            if ((size >> level) & 1 == 1) peaks.nodes[level] = stored.nodes[level];
        }
    }

    /// @notice Writes the peaks of a tree that grew from `before` to `size` leaves, those that the growth changed.
    function save(Peaks storage stored, Peaks memory peaks, uint256 before, uint256 size) internal {
        for (uint256 level = 0; size >> level != before >> level; ++level) {
            if ((size >> level) & 1 == 1) stored.nodes[level] = peaks.nodes[level];
        }
    }
}
