// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {AccountView, SpendAuthorization} from "../interfaces/IPaymentEscrow.sol";
import {World} from "./World.sol";

/// @notice A payer's signatures for one operator, submitted, lowered and charged against.
abstract contract SpendModel is World {
    uint256 internal constant SESSION_KEY = 0x5E55;
    uint40 internal constant DELAY = 84 hours;

    function assertPair(uint64 cap, uint40 validUntil) internal view {
        AccountView memory a = escrow.account(payer, operator);
        vm.assertEq(a.cap, cap);
        vm.assertEq(a.validUntil, validUntil);
    }

    function submit(uint64 cap, uint40 validUntil) internal {
        authorizeAs(PAYER_KEY, payer, cap, validUntil);
    }

    function submitAsOperator(uint64 cap, uint40 validUntil) internal {
        (SpendAuthorization[] memory list, bytes[] memory signatures) =
            signedAuthorization(PAYER_KEY, payer, cap, validUntil);
        vm.prank(operator);
        escrow.authorize(list, signatures);
    }

    function lower(uint64 cap, uint40 validUntil) internal {
        vm.prank(payer);
        escrow.lowerCap(operator, cap, validUntil);
    }

    function collectAt(uint40 judgedAt, uint64 amount) internal returns (uint64 fromPayer) {
        uint64 before = escrow.account(payer, operator).collected;
        vm.prank(address(ledger));
        escrow.collect(1, operator, judgedAt, charge(payer, amount));
        return escrow.account(payer, operator).collected - before;
    }
}
