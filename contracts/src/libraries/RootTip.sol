// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// One word, which every claim reads and writes: what was claimed in all, and a copy of what a claim must know of the
/// root that was submitted or claimed against last, so that the next one needs nothing else of it but the hash.
/// From the lowest bit: totalClaimed (88), totalCumulative (88), activatesAt (40), rootIndex (40).
/// 88 bits hold 16 million batches of the greatest fee that a batch can have.
type RootTip is uint256;

using RootTips for RootTip global;

/// @title Reading and writing of a RootTip's fields
library RootTips {
    /// @notice The same total claimed, another root's copy.
    function withRoot(RootTip tip, uint88 total, uint40 active, uint40 index) internal pure returns (RootTip) {
        uint256 copy = uint256(total) << 88 | uint256(active) << 176 | uint256(index) << 216;
        return RootTip.wrap(uint256(tip.totalClaimed()) | copy);
    }

    /// @notice Whether a root's total leaves room for so much more. An older root's may be below what was claimed since.
    function leaves(RootTip tip, uint256 rootTotal, uint256 amount) internal pure returns (bool) {
        return amount <= Math.saturatingSub(rootTotal, tip.totalClaimed());
    }

    /// @notice For errors: what would be claimed in all, at most 2^256 − 1.
    function wouldBeClaimed(RootTip tip, uint256 amount) internal pure returns (uint256) {
        return Math.saturatingAdd(tip.totalClaimed(), amount);
    }

    /// @notice The same copy, more claimed. Requires an amount that a root leaves room for: the sum then fits its field.
    function add(RootTip tip, uint256 amount) internal pure returns (RootTip) {
        unchecked {
            return RootTip.wrap(RootTip.unwrap(tip) + amount);
        }
    }

    /// @notice The same copy, less claimed. Requires an amount that was added.
    function subtract(RootTip tip, uint256 amount) internal pure returns (RootTip) {
        unchecked {
            return RootTip.wrap(RootTip.unwrap(tip) - amount);
        }
    }

    function totalClaimed(RootTip tip) internal pure returns (uint88) {
        return uint88(RootTip.unwrap(tip));
    }

    function totalCumulative(RootTip tip) internal pure returns (uint88) {
        return uint88(RootTip.unwrap(tip) >> 88);
    }

    function activatesAt(RootTip tip) internal pure returns (uint40) {
        return uint40(RootTip.unwrap(tip) >> 176);
    }

    function rootIndex(RootTip tip) internal pure returns (uint40) {
        return uint40(RootTip.unwrap(tip) >> 216);
    }
}
