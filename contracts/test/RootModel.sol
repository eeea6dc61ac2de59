// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {Distribution} from "../interfaces/IRoyaltyDistributor.sol";
import {World} from "./World.sol";

/// @notice Roots of two payees, and how they come to be claimable.
abstract contract RootModel is World {
    address internal constant A = address(0xA);
    address internal constant B = address(0xB);

    /// A tree of two leaves; each one's proof is the other.
    function pair(uint256 a, uint256 b) internal view returns (bytes32) {
        return Hashes.commutativeKeccak256(leaf(A, a), leaf(B, b));
    }

    function proof(bytes32 sibling) internal pure returns (bytes32[] memory path) {
        path = new bytes32[](1);
        path[0] = sibling;
    }

    function submit(bytes32 root, uint256 total) internal returns (uint64 index) {
        Distribution memory d = distribution(root, total);
        index = d.rootIndex;
        distributor.submitRoot(d, quorumFor(d));
    }

    function submitPair(uint256 a, uint256 b) internal returns (uint64) {
        return submit(pair(a, b), a + b);
    }

    function refuses(Distribution memory d, bytes memory reason) internal {
        bytes[] memory signatures = quorumFor(d);
        vm.expectRevert(reason);
        distributor.submitRoot(d, signatures);
    }

    function activePair(uint256 a, uint256 b) internal returns (uint64 index) {
        index = submitPair(a, b);
        skip(1 days);
    }
}
