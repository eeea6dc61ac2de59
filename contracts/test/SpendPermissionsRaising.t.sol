// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {AccountView, IPaymentEscrow, SpendAuthorization} from "../interfaces/IPaymentEscrow.sol";
import {SpendModel} from "./SpendModel.sol";

/// @notice How a spending limit comes to stand.
contract SpendPermissionsRaisingTest is SpendModel {
    /* RAISING */

    function test_anyone_submits_a_payers_signature() external {
        (SpendAuthorization[] memory list, bytes[] memory signatures) =
            signedAuthorization(PAYER_KEY, payer, 500, inDays(9));
        vm.expectEmit(address(escrow));
        emit IPaymentEscrow.CapSet(payer, operator, 500, inDays(9));
        vm.prank(stranger);
        escrow.authorize(list, signatures);
        assertPair(500, inDays(9));
    }

    function test_the_payers_key_counts_whatever_code_its_address_has() external {
        vm.etch(payer, abi.encodePacked(hex"ef0100", stranger));
        submit(500, inDays(9));
        assertPair(500, inDays(9));
    }

    function test_a_foreign_signature_is_refused() external {
        (SpendAuthorization[] memory list, bytes[] memory signatures) =
            signedAuthorization(SESSION_KEY, payer, 500, inDays(9));
        vm.expectRevert(
            abi.encodeWithSelector(IPaymentEscrow.EscrowSignerUnknown.selector, payer, vm.addr(SESSION_KEY))
        );
        escrow.authorize(list, signatures);
    }

    function test_a_malleable_signature_is_refused() external {
        (SpendAuthorization[] memory list, bytes[] memory signatures) =
            signedAuthorization(PAYER_KEY, payer, 500, inDays(9));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(PAYER_KEY, escrow.authorizationDigest(list[0]));
        bytes32 high =
            bytes32(0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 - uint256(s));
        signatures[0] = abi.encodePacked(r, high, v == 27 ? uint8(28) : uint8(27));
        vm.expectRevert(abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureS.selector, high));
        escrow.authorize(list, signatures);
        signatures[0] = hex"00";
        vm.expectRevert(abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureLength.selector, 1));
        escrow.authorize(list, signatures);
    }

    function test_lists_must_match() external {
        (SpendAuthorization[] memory list,) = signedAuthorization(PAYER_KEY, payer, 500, inDays(9));
        vm.expectRevert(abi.encodeWithSelector(IPaymentEscrow.EscrowLengthMismatch.selector, 1, 0));
        escrow.authorize(list, new bytes[](0));
    }

    function test_what_is_no_better_is_skipped_even_unsigned() external {
        submit(500, inDays(9));
        (SpendAuthorization[] memory list,) = signedAuthorization(PAYER_KEY, payer, 500, inDays(9));
        bytes[] memory nothing = new bytes[](1);
        escrow.authorize(list, nothing);
        list[0].cumulativeCap = 400;
        escrow.authorize(list, nothing);
        list[0] = SpendAuthorization(payer, operator, 600, inDays(8));
        escrow.authorize(list, nothing);
        list[0] = SpendAuthorization(payer, operator, 400, inDays(10));
        escrow.authorize(list, nothing);
        assertPair(500, inDays(9));
    }

    function test_a_skipped_entry_does_not_stop_the_rest() external {
        submit(500, inDays(9));
        SpendAuthorization[] memory list = new SpendAuthorization[](2);
        list[0] = SpendAuthorization(payer, operator, 500, inDays(9));
        list[1] = SpendAuthorization(payer, operator, 501, inDays(9));
        bytes[] memory signatures = new bytes[](2);
        signatures[1] = signature(PAYER_KEY, escrow.authorizationDigest(list[1]));
        escrow.authorize(list, signatures);
        assertPair(501, inDays(9));
    }

    function test_only_the_operator_trades_one_part_for_the_other() external {
        submit(500, inDays(9));
        submit(600, inDays(8));
        assertPair(500, inDays(9));
        submitAsOperator(600, inDays(8));
        assertPair(600, inDays(8));
        submitAsOperator(500, inDays(9));
        assertPair(500, inDays(9));
    }

    function test_a_payer_cannot_push_out_a_signature_that_the_operator_holds() external {
        submit(100, inDays(9));
        // The operator holds (500, day 9); the payer hurries to set a later expiry with no more cap.
        submit(100, inDays(10));
        submit(500, inDays(9));
        assertPair(100, inDays(10));
        submitAsOperator(500, inDays(9));
        assertPair(500, inDays(9));
    }

    function test_another_operators_authorization_is_worth_nothing_here() external {
        SpendAuthorization[] memory list = new SpendAuthorization[](1);
        list[0] = SpendAuthorization(payer, stranger, 500, inDays(9));
        bytes[] memory signatures = new bytes[](1);
        signatures[0] = signature(PAYER_KEY, escrow.authorizationDigest(list[0]));
        list[0].operator = operator;
        vm.expectRevert();
        escrow.authorize(list, signatures);
    }

    /* CAPS WITHOUT SIGNATURES */

    function test_a_contract_registers_its_cap() external {
        vm.etch(other, hex"00");
        vm.prank(other);
        escrow.registerCap(operator, 70, inDays(3));
        vm.assertEq(escrow.account(other, operator).cap, 70);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPaymentEscrow.EscrowCapNotHigher.selector, uint64(70), inDays(3), uint64(70), inDays(3)
            )
        );
        vm.prank(other);
        escrow.registerCap(operator, 70, inDays(3));
        vm.expectRevert(
            abi.encodeWithSelector(
                IPaymentEscrow.EscrowCapNotHigher.selector, uint64(71), inDays(2), uint64(70), inDays(3)
            )
        );
        vm.prank(other);
        escrow.registerCap(operator, 71, inDays(2));
    }

    /* WHAT STANDS */

    function testFuzz_what_stands_was_always_signed_by_the_payer(uint256 seed) external {
        uint64[8] memory caps;
        uint40[8] memory expiries;
        for (uint256 i = 0; i < 8; ++i) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            caps[i] = uint64(1 + draw % 5);
            expiries[i] = inDays(1 + (draw >> 64) % 5);
            if ((draw >> 128) % 2 == 0) submit(caps[i], expiries[i]);
            else submitAsOperator(caps[i], expiries[i]);
            AccountView memory a = escrow.account(payer, operator);
            bool signed = false;
            for (uint256 k = 0; k <= i; ++k) {
                if (caps[k] == a.cap && expiries[k] == a.validUntil) signed = true;
            }
            vm.assertTrue(signed, "a pair that was never signed");
        }
    }
}
