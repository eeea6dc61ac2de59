// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {AccountView, SpendAuthorization} from "../../interfaces/IPaymentEscrow.sol";
import {Books} from "./Books.sol";

/// @notice What payers do, and what is done with their signatures.
abstract contract PayerMoves is Books {
    function depositFor(uint256 who, uint32 amount) external {
        if (amount == 0) return;
        address p = who % (PAYERS + 1) == PAYERS ? operator : payerAt(who);
        deposit(p, amount);
        minted += amount;
        depositedBy[p] += amount;
        ++made["deposit"];
    }

    function thaw(uint256 who, uint64 amount) external {
        address p = who % (PAYERS + 1) == PAYERS ? operator : payerAt(who);
        AccountView memory a = escrow.account(p, operator);
        uint64 free = a.balance - a.thawing;
        if (free == 0) return;
        vm.prank(p);
        escrow.thaw(operator, 1 + amount % free);
        ++made["thaw"];
    }

    function cancelThaw(uint256 who) external {
        address p = payerAt(who);
        if (escrow.account(p, operator).thawing == 0) return;
        vm.prank(p);
        escrow.cancelThaw(operator);
        ++made["cancelThaw"];
    }

    function withdraw(uint256 who) external {
        address p = who % (PAYERS + 1) == PAYERS ? operator : payerAt(who);
        AccountView memory a = escrow.account(p, operator);
        if (a.thawing == 0 || clock() < a.thawEnd) return;
        vm.prank(p);
        escrow.withdraw(operator);
        withdrawnBy[p] += a.thawing;
        ++made["withdraw"];
    }

    function authorize(uint256 who, uint32 cap, uint32 validFor, uint32 sender) external {
        address p = payerAt(who);
        uint40 validUntil = clock() + validFor % 40 days;
        (SpendAuthorization[] memory list, bytes[] memory signatures) =
            signedAuthorization(payerKey(who), p, cap, validUntil);
        if (sender % 2 == 0) vm.prank(operator);
        escrow.authorize(list, signatures);
        if (cap > bestCapOf[p]) bestCapOf[p] = cap;
        ++made["authorize"];
    }

    function lowerCap(uint256 who, uint64 cap) external {
        address p = payerAt(who);
        AccountView memory a = escrow.account(p, operator);
        if (a.loweringAt != 0) return;
        uint40 validUntil = a.validUntil > a.deadValidUntil ? a.validUntil : a.deadValidUntil;
        vm.prank(p);
        escrow.lowerCap(operator, a.cap == 0 ? 0 : cap % a.cap, validUntil);
        ++made["lowerCap"];
    }

    function collectDebt(uint256 who) external {
        address p = payerAt(who);
        AccountView memory a = escrow.account(p, operator);
        if (a.debt == 0 || a.balance == 0 || a.validUntil < clock() || a.cap <= a.collected) return;
        escrow.collectDebt(p, operator);
        uint256 taken = escrow.account(p, operator).collected - a.collected;
        debtsCollected += taken;
        ++made["collectDebt"];
    }
}
