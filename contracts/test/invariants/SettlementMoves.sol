// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {Claim, Distribution} from "../../interfaces/IRoyaltyDistributor.sol";
import {Books} from "./Books.sol";

/// @notice What attesters and payees do.
abstract contract SettlementMoves is Books {
    /// A root that gives away up to all that is funded, on top of the newest one that stands.
    function submitRoot(uint256[PAYEES] calldata draws) external {
        uint256[PAYEES] memory cumulative = _standing();
        uint256 left = distributor.totalFunded();
        for (uint256 i = 0; i < PAYEES; ++i) {
            left -= cumulative[i];
        }
        uint256 total = distributor.totalFunded() - left;
        for (uint256 i = 0; i < PAYEES; ++i) {
            uint256 more = draws[i] % (left + 1);
            cumulative[i] += more;
            left -= more;
            total += more;
        }
        vm.roll(vm.getBlockNumber() + 1);
        Distribution memory d = distribution(_root(cumulative), total);
        distributor.submitRoot(d, quorumFor(d));
        _trees.push(TreeOfRoot(d.rootIndex, cumulative, false));
        ++made["submitRoot"];
    }

    function disableRoot() external {
        if (_trees.length == 0) return;
        TreeOfRoot storage tree = _trees[_trees.length - 1];
        if (tree.disabled || clock() >= distributor.root(tree.index).activatesAt) return;
        vm.prank(vm.addr(attesterKeys[2]));
        distributor.disableRoot(tree.index);
        tree.disabled = true;
        ++made["disableRoot"];
    }

    function claimMany(uint256 which) external {
        if (_trees.length == 0) return;
        TreeOfRoot memory tree = _trees[which % _trees.length];
        if (tree.disabled || clock() < distributor.root(tree.index).activatesAt) return;
        Claim[] memory claims = new Claim[](PAYEES);
        for (uint256 i = 0; i < PAYEES; ++i) {
            claims[i] = Claim(payeeAt(i), tree.cumulative[i], _proof(tree.cumulative, i));
        }
        for (uint256 i = 0; i < PAYEES; ++i) {
            claimedBefore[payeeAt(i)] = distributor.claimed(payeeAt(i));
        }
        distributor.claimMany(tree.index, claims);
        ++made["claimMany"];
    }

    /* INTERNAL */

    function _standing() private view returns (uint256[PAYEES] memory cumulative) {
        for (uint256 i = _trees.length; i > 0; --i) {
            if (!_trees[i - 1].disabled) return _trees[i - 1].cumulative;
        }
    }

    function _root(uint256[PAYEES] memory c) private view returns (bytes32) {
        return Hashes.commutativeKeccak256(
            Hashes.commutativeKeccak256(leaf(payeeAt(0), c[0]), leaf(payeeAt(1), c[1])), leaf(payeeAt(2), c[2])
        );
    }

    function _proof(uint256[PAYEES] memory c, uint256 index) private view returns (bytes32[] memory path) {
        if (index == 2) {
            path = new bytes32[](1);
            path[0] = Hashes.commutativeKeccak256(leaf(payeeAt(0), c[0]), leaf(payeeAt(1), c[1]));
        } else {
            path = new bytes32[](2);
            path[0] = leaf(payeeAt(1 - index), c[1 - index]);
            path[1] = leaf(payeeAt(2), c[2]);
        }
    }
}
