// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {Charge} from "../interfaces/BatchTypes.sol";
import {AccountView} from "../interfaces/IPaymentEscrow.sol";
import {World} from "./World.sol";

/// @notice Accounts with one operator, and charges as the ledger makes them.
abstract contract EscrowModel is World {
    uint64 internal constant CAP = 1_000_000;

    function view_(address payer_) internal view returns (AccountView memory) {
        return escrow.account(payer_, operator);
    }

    function collect(uint64 batchId, Charge[] memory charges) internal returns (uint64) {
        vm.prank(address(ledger));
        return escrow.collect(batchId, operator, clock(), charges);
    }

    function funded(uint64 balance, uint64 own) internal {
        deposit(payer, balance);
        if (own != 0) deposit(operator, own);
        authorizeAs(PAYER_KEY, payer, CAP, inDays(30));
    }

    /// A payer thaws all it has, which is collected meanwhile, and takes out what is left: nothing.
    function withdrawsWhatWasCollected() internal {
        funded(100, 0);
        vm.prank(payer);
        escrow.thaw(operator, 100);
        collect(1, charge(payer, 100));
        skip(84 hours);
        vm.prank(payer);
        escrow.withdraw(operator);
    }
}
