// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Charge} from "../interfaces/BatchTypes.sol";
import {AccountView, IPaymentEscrow, SpendAuthorization} from "../interfaces/IPaymentEscrow.sol";
import {World} from "./World.sol";

contract SpendPermissionsTest is World {
    uint256 private constant SESSION_KEY = 0x5E55;
    uint40 private constant DELAY = 84 hours;

    function assertPair(uint64 cap, uint40 validUntil) private view {
        AccountView memory a = escrow.account(payer, operator);
        vm.assertEq(a.cap, cap);
        vm.assertEq(a.validUntil, validUntil);
    }

    function submit(uint64 cap, uint40 validUntil) private {
        authorizeAs(PAYER_KEY, payer, cap, validUntil);
    }

    function submitAsOperator(uint64 cap, uint40 validUntil) private {
        (SpendAuthorization[] memory list, bytes[] memory signatures) =
            signedAuthorization(PAYER_KEY, payer, cap, validUntil);
        vm.prank(operator);
        escrow.authorize(list, signatures);
    }

    function lower(uint64 cap, uint40 validUntil) private {
        vm.prank(payer);
        escrow.lowerCap(operator, cap, validUntil);
    }

    function collectAt(uint40 judgedAt, uint64 amount) private returns (uint64 fromPayer) {
        uint64 before = escrow.account(payer, operator).collected;
        vm.prank(address(ledger));
        escrow.collect(1, operator, judgedAt, charge(payer, amount));
        return escrow.account(payer, operator).collected - before;
    }

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

    /* LOWERING */

    function test_a_lowered_cap_counts_after_the_delay() external {
        deposit(payer, 1000);
        deposit(operator, 1000);
        submit(500, inDays(20));
        uint40 effective = clock() + DELAY;
        vm.expectEmit(address(escrow));
        emit IPaymentEscrow.CapLoweringStarted(payer, operator, 100, inDays(20), effective);
        lower(100, inDays(20));
        AccountView memory a = escrow.account(payer, operator);
        vm.assertTrue(a.loweredCap == 100 && a.loweringAt == effective && a.cap == 500);
        vm.warp(effective - 1);
        vm.assertEq(collectAt(clock(), 300), 300);
        vm.warp(effective);
        assertPair(100, inDays(20) - DELAY);
        vm.assertEq(collectAt(clock(), 10), 0);
        a = escrow.account(payer, operator);
        vm.assertTrue(a.loweringAt == 0 && a.loweredCap == 0 && a.deadValidUntil == a.validUntil);
    }

    function test_after_a_lowering_old_signatures_are_dead_for_everyone() external {
        uint40 expiry = inDays(20);
        submit(500, expiry);
        lower(100, expiry);
        skip(DELAY);
        submitAsOperator(500, expiry);
        submitAsOperator(900, expiry);
        submit(900, expiry - 1);
        assertPair(100, expiry);
        submit(300, expiry + 1);
        assertPair(300, expiry + 1);
        submitAsOperator(900, expiry);
        assertPair(300, expiry + 1);
    }

    function test_held_signatures_count_until_the_lowering_does() external {
        uint40 expiry = inDays(20);
        submit(500, expiry);
        lower(100, expiry);
        skip(DELAY - 1);
        submit(900, expiry);
        assertPair(900, expiry);
        skip(1);
        assertPair(100, expiry);
    }

    function test_a_newer_will_outlives_the_lowering() external {
        uint40 expiry = inDays(20);
        submit(500, expiry);
        lower(100, expiry);
        submit(600, expiry + 1);
        skip(DELAY);
        assertPair(600, expiry + 1);
        submit(900, expiry);
        assertPair(600, expiry + 1);
        vm.assertEq(escrow.account(payer, operator).deadValidUntil, expiry);
    }

    function test_a_lowering_must_lower_and_cover_the_present_expiry() external {
        uint40 expiry = inDays(20);
        submit(500, expiry);
        vm.expectRevert(
            abi.encodeWithSelector(IPaymentEscrow.EscrowCapNotLower.selector, uint64(501), uint64(500))
        );
        lower(501, expiry);
        vm.expectRevert(
            abi.encodeWithSelector(IPaymentEscrow.EscrowValidUntilTooEarly.selector, expiry - 1, expiry)
        );
        lower(100, expiry - 1);
        lower(100, expiry);
        uint40 effective = clock() + DELAY;
        vm.expectRevert(
            abi.encodeWithSelector(IPaymentEscrow.EscrowLoweringUnderWay.selector, effective)
        );
        lower(50, expiry);
    }

    function test_a_second_lowering_keeps_the_first_ones_dead_line() external {
        uint40 expiry = inDays(20);
        submit(500, expiry);
        lower(100, expiry + 5);
        skip(DELAY);
        submitAsOperator(300, expiry + 6);
        lower(200, expiry + 6);
        // Announced only: what the first lowering left alive still counts.
        submitAsOperator(350, expiry + 6);
        assertPair(350, expiry + 6);
        submitAsOperator(400, expiry + 5);
        assertPair(350, expiry + 6);
        skip(DELAY);
        assertPair(200, expiry + 6);
    }

    function test_a_refill_is_judged_by_what_stood_at_the_first_commit() external {
        deposit(payer, 1000);
        deposit(operator, 1000);
        uint40 expiry = inDays(20);
        submit(500, expiry);
        uint40 first = clock();
        lower(0, expiry);
        skip(DELAY + 1);
        vm.assertEq(collectAt(clock(), 100), 0);
        vm.assertEq(collectAt(first, 400), 400);
        vm.assertEq(collectAt(first + DELAY, 50), 0);
        vm.assertEq(collectAt(first + DELAY - 1, 200), 100);
    }

    function test_a_refill_is_judged_by_the_expiry_at_its_first_commit() external {
        deposit(payer, 1000);
        deposit(operator, 1000);
        submit(500, inDays(1));
        uint40 first = clock();
        skip(3 days);
        vm.assertEq(collectAt(clock(), 100), 0);
        vm.assertEq(collectAt(first, 100), 100);
    }

    /* SESSION KEYS */

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
