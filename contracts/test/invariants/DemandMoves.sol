// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {BatchStatus} from "../../interfaces/BatchTypes.sol";
import {CommittedBatch} from "../../interfaces/IChallenges.sol";
import {DemandStatus} from "../../interfaces/IBlobDemands.sol";
import {ChallengeMoves} from "./ChallengeMoves.sol";

/// @notice Blobs of unattested batches: demanded, posted, withheld. The demander is always the same.
abstract contract DemandMoves is ChallengeMoves {
    address private constant DEMANDER = address(0xC4A1);

    function demandBlob(uint256 which) external {
        if (_open.length == 0) return;
        OpenBatch memory batch = _open[which % _open.length];
        bytes32 recordHash = keccak256(abi.encode(batch.record));
        bool isFresh = demands.demandOf(batch.id, recordHash, 0).status == DemandStatus.None;
        if (batch.record.attestedAt != 0 || clock() > batch.record.committedAt + 7 days || !isFresh) return;
        mint(DEMANDER, DEMAND_DEPOSIT);
        minted += DEMAND_DEPOSIT;
        vm.prank(DEMANDER);
        token.approve(address(demands), DEMAND_DEPOSIT);
        vm.prank(DEMANDER);
        demands.demandBlob(_asCommitted(batch), 0);
        demandsIn += DEMAND_DEPOSIT;
        _demands.push(OpenDemand(batch.id, recordHash, clock() + 2 days));
        ++made["demand"];
    }

    function answerDemand(uint256 which) external {
        // Seldom, so that some demands fall due.
        if (_demands.length == 0 || which % 8 > 2) return;
        OpenDemand memory demand = _demands[which % _demands.length];
        (bool stands, uint256 index) = _find(demand);
        if (!stands) return;
        OpenBatch memory batch = _open[index];
        attest(_hashes[batch.id], clock());
        demands.answer(_asCommitted(batch), 0, _hashes[batch.id], 0);
        _postedAt[batch.id] = clock();
        _end(which);
        ++made["answer"];
    }

    function voidWithheld(uint256 which) external {
        if (_demands.length == 0) return;
        OpenDemand memory demand = _demands[which % _demands.length];
        (bool stands, uint256 index) = _find(demand);
        if (!stands) return;
        if (clock() <= demand.dueAt) {
            if (which % 2 == 0) return;
            vm.warp(demand.dueAt + 1);
        }
        demands.voidWithheld(_asCommitted(_open[index]), 0);
        _noteVoided(index);
        _end(which);
        ++made["withheld"];
    }

    function reclaim(uint256 which) external {
        if (_demands.length == 0) return;
        OpenDemand memory demand = _demands[which % _demands.length];
        (bool stands,) = _find(demand);
        if (stands) return;
        demands.reclaim(demand.id, demand.recordHash, 0);
        _end(which);
        ++made["reclaim"];
    }

    /* INTERNAL */

    function _end(uint256 which) private {
        demandsOut += DEMAND_DEPOSIT;
        _demands[which % _demands.length] = _demands[_demands.length - 1];
        _demands.pop();
    }

    /// Whether the filling that was demanded is still open, and where.
    function _find(OpenDemand memory demand) private view returns (bool, uint256 index) {
        for (index = 0; index < _open.length; ++index) {
            if (_open[index].id == demand.id && keccak256(abi.encode(_open[index].record)) == demand.recordHash) {
                return (true, index);
            }
        }
        return (false, 0);
    }

    function _asCommitted(OpenBatch memory batch) private view returns (CommittedBatch memory) {
        return CommittedBatch(
            batch.id, batch.record, _headers[batch.id], _hashes[batch.id], _chargesOf[batch.id]
        );
    }
}
