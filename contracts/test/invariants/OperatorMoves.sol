// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {BatchHeader, BatchRecord, Charge} from "../../interfaces/BatchTypes.sol";
import {AccountView} from "../../interfaces/IPaymentEscrow.sol";
import {Bond} from "../../interfaces/IOperators.sol";
import {Books} from "./Books.sol";

/// @notice What the operator does: its bond, its batches, attested or not.
abstract contract OperatorMoves is Books {
    function depositTheBond(uint40 amount) external {
        if (amount == 0) return;
        depositBond(amount);
        minted += amount;
        bondsIn += amount;
        ++made["depositBond"];
    }

    function requestBond(uint64 amount) external {
        uint64 free = operators.freeBond(operator);
        if (free == 0) return;
        vm.prank(operator);
        operators.requestWithdrawal(1 + amount % free);
        ++made["requestBond"];
    }

    function withdrawBond() external {
        Bond memory bond = operators.bond(operator);
        if (bond.withdrawing == 0 || clock() < bond.availableAt) return;
        vm.prank(operator);
        if (clock() > bond.availableAt + 3 days) return operators.cancelWithdrawal();
        operators.withdrawBond();
        bondsOut += bond.withdrawing;
        ++made["withdrawBond"];
    }

    function commitBatch(uint32[PAYERS] calldata amounts) external {
        Charge[] memory charges = _charges(amounts);
        if (!_take(charges)) return;
        BatchHeader memory h = headerFor(charges, uint24(2 * charges.length));
        bytes32[] memory hashes = hashesFor(h.blobCount, draws++);
        bool attested = uint256(hashes[0]) % 3 != 0;
        if (attested) attest(hashes, clock());
        vm.prank(operator);
        uint64 id = attested
            ? ledger.commitBatch(h, hashes, charges)
            : ledger.commitUnattested(h, hashes, charges, "elsewhere");
        _note(id, recordOf(h, hashes, charges), h, hashes, charges);
        ++made[attested ? bytes32("commit") : bytes32("commitUnattested")];
    }

    function finalizeBatch(uint256 which) external {
        if (_open.length == 0) return;
        uint256 index = which % _open.length;
        OpenBatch memory batch = _open[index];
        uint40 postedAt = batch.record.attestedAt == 0 ? _postedAt[batch.id] : 0;
        if (clock() <= (postedAt == 0 ? batch.record.committedAt : postedAt) + 7 days) return;
        (, uint8 open) = demands.standing(batch.id, keccak256(abi.encode(batch.record)));
        if (open != 0) return;
        ledger.finalizeBatch(batch.id, batch.record);
        funded += batch.record.totalFee;
        finalized.push(batch.id);
        _open[index] = _open[_open.length - 1];
        _open.pop();
        ++made["finalize"];
    }

    /* INTERNAL */

    function _note(
        uint64 id,
        BatchRecord memory record,
        BatchHeader memory h,
        bytes32[] memory hashes,
        Charge[] memory charges
    ) internal {
        _open.push(OpenBatch(id, record));
        (_headers[id], _hashes[id]) = (h, hashes);
        delete _chargesOf[id];
        for (uint256 i = 0; i < charges.length; ++i) {
            _chargesOf[id].push(charges[i]);
        }
    }

    /// Whether bond and deposit carry such a batch; if so it is written into the books.
    function _take(Charge[] memory charges) internal returns (bool) {
        uint64 total = 0;
        uint64 short = 0;
        for (uint256 i = 0; i < PAYERS; ++i) {
            total += charges[i].amount;
            short += charges[i].amount - _payable(charges[i]);
        }
        if (operators.freeBond(operator) < operators.reserveFor(total)) return false;
        if (escrow.account(operator, operator).balance < short) return false;
        shortfallsPaid += short;
        for (uint256 i = 0; i < PAYERS; ++i) {
            owedBy[charges[i].payer] += charges[i].amount;
        }
        return true;
    }

    function _charges(uint32[PAYERS] calldata amounts) internal pure returns (Charge[] memory charges) {
        charges = new Charge[](PAYERS);
        for (uint256 i = 0; i < PAYERS; ++i) {
            charges[i] = Charge(payerAt(i), amounts[i]);
        }
        for (uint256 i = 0; i < PAYERS; ++i) {
            for (uint256 j = i + 1; j < PAYERS; ++j) {
                if (charges[j].payer < charges[i].payer) (charges[i], charges[j]) = (charges[j], charges[i]);
            }
        }
    }

    /// What the payer itself will pay of this charge, worked out from the public view.
    function _payable(Charge memory c) internal view returns (uint64) {
        AccountView memory a = escrow.account(c.payer, operator);
        uint64 limit = a.validUntil >= clock() && a.cap > a.collected ? a.cap - a.collected : 0;
        if (a.balance < limit) limit = a.balance;
        return c.amount < limit ? c.amount : limit;
    }
}
