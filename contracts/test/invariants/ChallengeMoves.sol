// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {BatchHeader, BatchRecord, BatchStatus, Charge} from "../../interfaces/BatchTypes.sol";
import {OperatorMoves} from "./OperatorMoves.sol";

/// @notice What becomes of false batches: voided, refunded, filled again; and penalties without a batch.
abstract contract ChallengeMoves is OperatorMoves {
    /// As Challenges does when a fault was shown.
    function voidBatch(uint256 which) external {
        if (_open.length == 0 || which % 4 != 0) return;
        uint256 index = (which / 4) % _open.length;
        OpenBatch memory batch = _open[index];
        vm.prank(address(which % 8 == 0 ? address(receiptChallenges) : address(formatChallenges)));
        ledger.voidBatch(batch.id, batch.record, uint24(PAYERS), address(0xC4A1), "fault");
        _noteVoided(index);
        ++made["void"];
    }

    function _noteVoided(uint256 index) internal {
        OpenBatch memory batch = _open[index];
        uint64 held = batch.record.reserve;
        rewards += held / 5;
        burned += held - held / 5;
        (batch.record.status, batch.record.reserve) = (BatchStatus.Voided, 0);
        _holes.push(Hole(batch.id, batch.record, clock()));
        for (uint256 p = 0; p < PAYERS; ++p) {
            _refunded[batch.id][p] = false;
        }
        _open[index] = _open[_open.length - 1];
        _open.pop();
    }

    function refund(uint256 which, uint256 who) public {
        if (_holes.length == 0) return;
        Hole memory hole = _holes[which % _holes.length];
        uint256[] memory payers = new uint256[](2);
        (payers[0], payers[1]) = (who % PAYERS, (who / PAYERS) % PAYERS);
        uint256 own = escrow.account(operator, operator).balance;
        ledger.refund(
            hole.id, hole.record, _headers[hole.id], _hashes[hole.id], _chargesOf[hole.id], payers
        );
        shortfallsReturned += escrow.account(operator, operator).balance - own;
        for (uint256 n = 0; n < 2; ++n) {
            if (_refunded[hole.id][payers[n]]) continue;
            _refunded[hole.id][payers[n]] = true;
            Charge memory c = _chargesOf[hole.id][payers[n]];
            owedBy[c.payer] -= c.amount;
            ++made["refund"];
        }
    }

    function recommitBatch(uint256 which, uint32[PAYERS] calldata amounts) external {
        if (_holes.length == 0) return;
        uint256 index = which % _holes.length;
        Hole memory hole = _holes[index];
        if (clock() == hole.voidedAt) skip(1);
        if (clock() > hole.voidedAt + 3 days || clock() > hole.record.firstCommittedAt + 10 days) return;
        for (uint256 p = 0; p < PAYERS; ++p) {
            refund(index, p * (1 + PAYERS));
        }
        Charge[] memory charges = _charges(amounts);
        for (uint256 i = 0; i < PAYERS; ++i) {
            charges[i].amount %= 1e6;
        }
        // What a past time allows is the escrow's own matter (its tests have it); here the deposit covers all of it.
        uint64 total = 0;
        for (uint256 i = 0; i < PAYERS; ++i) {
            total += charges[i].amount;
        }
        uint256 own = escrow.account(operator, operator).balance;
        if (own < total || operators.freeBond(operator) < operators.reserveFor(total)) return;
        _refill(hole, charges);
        shortfallsPaid += own - escrow.account(operator, operator).balance;
        for (uint256 i = 0; i < PAYERS; ++i) {
            owedBy[charges[i].payer] += charges[i].amount;
        }
        _holes[index] = _holes[_holes.length - 1];
        _holes.pop();
        ++made["recommit"];
    }

    function penalize(uint32 amount) external {
        if (amount % 8 != 0) return;
        vm.prank(address(receiptChallenges));
        uint64 taken = ledger.penalizeUnposted(operator, amount, address(0xC4A1));
        rewards += taken / 5;
        burned += taken - taken / 5;
        ++made["penalize"];
    }

    /// What batches that are voided still hold in custody.
    function custodyOfHoles() external view returns (uint256 sum) {
        for (uint256 n = 0; n < _holes.length; ++n) {
            for (uint256 p = 0; p < PAYERS; ++p) {
                if (!_refunded[_holes[n].id][p]) sum += _chargesOf[_holes[n].id][p].amount;
            }
        }
    }

    function holeCount() external view returns (uint256) {
        return _holes.length;
    }

    /* INTERNAL */

    function _refill(Hole memory hole, Charge[] memory charges) private {
        BatchHeader memory h = headerFor(charges, hole.record.count);
        h.firstSeq = hole.record.firstSeq;
        bytes32[] memory hashes = hashesFor(h.blobCount, draws++);
        attest(hashes, clock());
        vm.prank(operator);
        ledger.recommitBatch(hole.id, hole.record, h, hashes, charges);
        BatchRecord memory record = recordOf(h, hashes, charges);
        (record.firstCommittedAt, record.termsFrom) = (hole.record.firstCommittedAt, hole.record.termsFrom);
        _note(hole.id, record, h, hashes, charges);
    }
}
