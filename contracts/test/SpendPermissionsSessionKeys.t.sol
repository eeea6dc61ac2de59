// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IPaymentEscrow, SpendAuthorization} from "../interfaces/IPaymentEscrow.sol";
import {SpendModel} from "./SpendModel.sol";

/// @notice Keys that sign for a payer.
contract SpendPermissionsSessionKeysTest is SpendModel {
    function test_a_session_key_signs_for_its_payer_until_revoked() external {
        address key = vm.addr(SESSION_KEY);
        vm.expectEmit(address(escrow));
        emit IPaymentEscrow.SessionKeyRegistered(payer, key);
        vm.prank(payer);
        escrow.registerSessionKey(key);
        uint40 since = clock();
        vm.assertTrue(escrow.isSessionKey(payer, key, since));
        vm.assertFalse(escrow.isSessionKey(payer, key, since - 1));
        vm.assertFalse(escrow.isSessionKey(other, key, since));
        authorizeAs(SESSION_KEY, payer, 500, inDays(9));
        uint40 end = clock() + DELAY;
        vm.expectEmit(address(escrow));
        emit IPaymentEscrow.SessionKeyRevoked(payer, key, end);
        vm.prank(payer);
        escrow.revokeSessionKey(key);
        vm.warp(end - 1);
        authorizeAs(SESSION_KEY, payer, 501, inDays(9));
        vm.warp(end);
        vm.assertFalse(escrow.isSessionKey(payer, key, end));
        (SpendAuthorization[] memory list, bytes[] memory signatures) =
            signedAuthorization(SESSION_KEY, payer, 502, inDays(30));
        vm.expectRevert(abi.encodeWithSelector(IPaymentEscrow.EscrowSignerUnknown.selector, payer, key));
        escrow.authorize(list, signatures);
        vm.assertEq(escrow.account(payer, operator).cap, 501);
    }

    function test_a_session_key_can_be_kept_or_taken_back_into_use() external {
        address key = vm.addr(SESSION_KEY);
        vm.startPrank(payer);
        escrow.registerSessionKey(key);
        uint40 since = clock();
        escrow.revokeSessionKey(key);
        skip(1 hours);
        escrow.registerSessionKey(key);
        skip(DELAY);
        vm.assertTrue(escrow.isSessionKey(payer, key, clock()) && escrow.isSessionKey(payer, key, since));
        escrow.revokeSessionKey(key);
        skip(DELAY + 1);
        escrow.registerSessionKey(key);
        vm.assertTrue(escrow.isSessionKey(payer, key, clock()));
        vm.assertFalse(escrow.isSessionKey(payer, key, clock() - 1));
        vm.stopPrank();
    }

    function test_only_a_registered_session_key_is_revoked_and_none_is_zero() external {
        vm.startPrank(payer);
        vm.expectRevert(
            abi.encodeWithSelector(IPaymentEscrow.EscrowSessionKeyUnknown.selector, payer, stranger)
        );
        escrow.revokeSessionKey(stranger);
        vm.expectRevert(IPaymentEscrow.EscrowAddressZero.selector);
        escrow.registerSessionKey(address(0));
        escrow.registerSessionKey(stranger);
        escrow.revokeSessionKey(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(IPaymentEscrow.EscrowSessionKeyUnknown.selector, payer, stranger)
        );
        escrow.revokeSessionKey(stranger);
        vm.stopPrank();
    }
}
