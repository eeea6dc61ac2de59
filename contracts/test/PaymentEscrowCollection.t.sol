// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Charge} from "../interfaces/BatchTypes.sol";
import {AccountView, IPaymentEscrow} from "../interfaces/IPaymentEscrow.sol";
import {BlacklistToken} from "./tokens/OddTokens.sol";
import {EscrowModel} from "./EscrowModel.sol";

/// @notice Charges, debts and refunds: no payer can block a batch.
contract PaymentEscrowCollectionTest is EscrowModel {
    /* COLLECTION */

    function test_a_charge_within_balance_and_cap_is_paid_by_the_payer() external {
        funded(100, 0);
        vm.expectEmit(address(escrow), 0);
        emit IPaymentEscrow.Shortfall(payer, operator, 1, 0);
        vm.assertEq(collect(1, charge(payer, 60)), 60);
        AccountView memory a = view_(payer);
        vm.assertTrue(a.balance == 40 && a.collected == 60 && a.debt == 0);
        vm.assertEq(escrow.shortfallOf(1, payer), 0);
    }

    function test_a_charge_of_nothing_changes_nothing() external {
        funded(100, 0);
        vm.assertEq(collect(1, charge(payer, 0)), 0);
        vm.assertEq(collect(1, charge(other, 0)), 0);
        vm.assertEq(view_(payer).balance, 100);
    }

    function test_a_drained_payer_blocks_nothing() external {
        funded(40, 500);
        vm.expectEmit(address(escrow));
        emit IPaymentEscrow.Shortfall(payer, operator, 9, 60);
        vm.assertEq(collect(9, charge(payer, 100)), 100);
        AccountView memory a = view_(payer);
        vm.assertTrue(a.balance == 0 && a.collected == 40 && a.debt == 60);
        vm.assertEq(view_(operator).balance, 440);
        vm.assertEq(escrow.shortfallOf(9, payer), 60);
    }

    function test_a_payer_whose_authorization_expired_blocks_nothing() external {
        funded(100, 500);
        vm.warp(inDays(30));
        vm.assertEq(collect(1, charge(payer, 10)), 10);
        vm.assertEq(view_(payer).collected, 10);
        skip(1);
        collect(2, charge(payer, 10));
        vm.assertEq(view_(payer).collected, 10);
        vm.assertEq(view_(payer).debt, 10);
        vm.assertEq(view_(operator).balance, 490);
    }

    function test_a_payer_at_its_cap_blocks_nothing() external {
        deposit(payer, 100);
        deposit(operator, 100);
        authorizeAs(PAYER_KEY, payer, 30, inDays(1));
        collect(1, charge(payer, 50));
        vm.assertEq(view_(payer).collected, 30);
        vm.assertEq(view_(payer).debt, 20);
    }

    function test_a_payer_that_never_signed_blocks_nothing() external {
        deposit(payer, 100);
        deposit(operator, 100);
        collect(1, charge(payer, 50));
        vm.assertEq(view_(payer).balance, 100);
        vm.assertEq(view_(payer).debt, 50);
    }

    function test_a_blacklisted_payer_blocks_nothing() external {
        BlacklistToken listing = new BlacklistToken();
        deploy(IERC20Metadata(address(listing)), address(0));
        funded(100, 0);
        listing.list(payer, true);
        vm.assertEq(collect(1, charge(payer, 100)), 100);
        vm.assertEq(view_(payer).collected, 100);
    }

    function test_a_payer_with_hostile_code_blocks_nothing_and_its_key_still_signs() external {
        vm.etch(payer, hex"fe");
        funded(100, 0);
        vm.assertEq(collect(1, charge(payer, 100)), 100);
    }

    function test_shortfalls_beyond_the_operators_deposit_stop_the_batch() external {
        deposit(operator, 59);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPaymentEscrow.EscrowOperatorDepositTooSmall.selector, operator, uint64(59), uint64(60)
            )
        );
        collect(1, charge(payer, 60));
    }

    function test_an_operator_may_be_a_payer_of_its_own() external {
        deposit(operator, 100);
        vm.assertEq(collect(1, charge(operator, 60)), 60);
        vm.assertEq(view_(operator).balance, 40);
        vm.prank(operator);
        escrow.registerCap(operator, 1000, inDays(9));
        vm.assertEq(collect(2, charge(operator, 30)), 30);
        AccountView memory a = view_(operator);
        vm.assertTrue(a.balance == 10 && a.collected == 30 && a.debt == 60);
        escrow.collectDebt(operator, operator);
        a = view_(operator);
        vm.assertTrue(a.balance == 10 && a.collected == 40 && a.debt == 50);
    }

    function test_payers_must_ascend() external {
        deposit(operator, 100);
        Charge[] memory charges = new Charge[](2);
        charges[0] = Charge(address(2), 1);
        charges[1] = Charge(address(2), 1);
        vm.prank(address(ledger));
        vm.expectRevert(
            abi.encodeWithSelector(
                IPaymentEscrow.EscrowPayersNotAscending.selector, address(2), address(2)
            )
        );
        escrow.collect(1, operator, 0, charges);
        charges[0] = Charge(address(0), 1);
        vm.prank(address(ledger));
        vm.expectRevert(
            abi.encodeWithSelector(
                IPaymentEscrow.EscrowPayersNotAscending.selector, address(0), address(0)
            )
        );
        escrow.collect(1, operator, 0, charges);
    }

    function test_only_the_ledger_collects_refunds_and_releases() external {
        bytes memory refusal = abi.encodeWithSelector(IPaymentEscrow.EscrowNotLedger.selector, address(this));
        Charge[] memory charges = charge(payer, 1);
        vm.expectRevert(refusal);
        escrow.collect(1, operator, 0, charges);
        vm.expectRevert(refusal);
        escrow.refund(1, payer, operator, 1);
        vm.expectRevert(refusal);
        escrow.releaseCustody(1, 1);
    }

    function testFuzz_custody_receives_every_total_and_no_payer_more_than_it_signed(
        uint32[4] memory balances,
        uint32[4] memory caps,
        uint32[4] memory amounts
    ) external {
        deposit(operator, 4 * uint64(type(uint32).max));
        Charge[] memory charges = new Charge[](4);
        uint256 expected = 0;
        for (uint160 i = 0; i < 4; ++i) {
            address p = address(100 + i);
            if (balances[i] != 0) deposit(p, balances[i]);
            if (caps[i] != 0) {
                vm.prank(p);
                escrow.registerCap(operator, caps[i], inDays(1));
            }
            charges[i] = Charge(p, amounts[i]);
            expected += amounts[i];
        }
        uint256 before = accounts(charges);
        vm.assertEq(collect(1, charges), expected);
        vm.assertEq(before - accounts(charges), expected);
        for (uint160 i = 0; i < 4; ++i) {
            AccountView memory a = view_(address(100 + i));
            vm.assertLe(a.collected, caps[i]);
            vm.assertEq(a.balance + a.collected, balances[i]);
            vm.assertEq(a.collected + a.debt, amounts[i]);
        }
    }

    function accounts(Charge[] memory charges) private view returns (uint256 sum) {
        sum = view_(operator).balance;
        for (uint256 i = 0; i < charges.length; ++i) {
            sum += view_(charges[i].payer).balance;
        }
    }

    /* DEBTS */

    function test_a_debt_is_collected_when_money_arrives() external {
        funded(40, 500);
        collect(1, charge(payer, 100));
        vm.expectRevert(
            abi.encodeWithSelector(IPaymentEscrow.EscrowNothingToCollect.selector, payer, operator)
        );
        escrow.collectDebt(payer, operator);
        deposit(payer, 25);
        vm.expectEmit(address(escrow));
        emit IPaymentEscrow.DebtCollected(payer, operator, 25);
        escrow.collectDebt(payer, operator);
        AccountView memory a = view_(payer);
        vm.assertTrue(a.balance == 0 && a.collected == 65 && a.debt == 35);
        vm.assertEq(view_(operator).balance, 465);
        deposit(payer, 100);
        escrow.collectDebt(payer, operator);
        vm.assertEq(view_(payer).balance, 65);
        vm.assertEq(view_(payer).debt, 0);
    }

    function test_a_debt_is_never_collected_beyond_the_cap() external {
        deposit(payer, 100);
        deposit(operator, 100);
        authorizeAs(PAYER_KEY, payer, 30, inDays(1));
        collect(1, charge(payer, 50));
        vm.expectRevert(
            abi.encodeWithSelector(IPaymentEscrow.EscrowNothingToCollect.selector, payer, operator)
        );
        escrow.collectDebt(payer, operator);
        authorizeAs(PAYER_KEY, payer, 40, inDays(1));
        escrow.collectDebt(payer, operator);
        vm.assertEq(view_(payer).collected, 40);
        vm.assertEq(view_(payer).debt, 10);
    }

    /* REFUNDS */

    function refund(uint64 batchId, uint64 amount) private {
        vm.prank(address(ledger));
        escrow.refund(batchId, payer, operator, amount);
    }

    function test_a_refund_lowers_what_was_collected_and_does_not_thaw() external {
        funded(100, 0);
        vm.prank(payer);
        escrow.thaw(operator, 100);
        collect(1, charge(payer, 60));
        vm.expectEmit(address(escrow));
        emit IPaymentEscrow.Refunded(1, payer, operator, 60, 0);
        refund(1, 60);
        AccountView memory a = view_(payer);
        vm.assertTrue(a.balance == 100 && a.collected == 0 && a.thawing == 40);
    }

    function test_a_refund_gives_the_operator_back_what_it_paid() external {
        funded(40, 500);
        collect(1, charge(payer, 100));
        vm.expectEmit(address(escrow));
        emit IPaymentEscrow.Refunded(1, payer, operator, 40, 60);
        refund(1, 100);
        AccountView memory a = view_(payer);
        vm.assertTrue(a.balance == 40 && a.collected == 0 && a.debt == 0);
        vm.assertEq(view_(operator).balance, 500);
        vm.assertEq(escrow.shortfallOf(1, payer), 0);
    }

    function test_a_refund_gives_the_payer_back_a_debt_that_was_collected() external {
        funded(40, 500);
        collect(1, charge(payer, 100));
        deposit(payer, 45);
        escrow.collectDebt(payer, operator);
        refund(1, 100);
        AccountView memory a = view_(payer);
        vm.assertTrue(a.balance == 85 && a.collected == 0 && a.debt == 0);
        vm.assertEq(view_(operator).balance, 500);
    }

    function testFuzz_collect_and_refund_leave_everyone_as_before(uint32 balance, uint32 amount, uint32 later)
        external
    {
        vm.assume(balance != 0 && later != 0);
        deposit(payer, balance);
        deposit(operator, type(uint32).max);
        authorizeAs(PAYER_KEY, payer, type(uint64).max, inDays(1));
        collect(1, charge(payer, amount));
        deposit(payer, later);
        if (view_(payer).debt != 0) escrow.collectDebt(payer, operator);
        refund(1, amount);
        AccountView memory a = view_(payer);
        vm.assertEq(a.balance, uint64(balance) + later);
        vm.assertTrue(a.collected == 0 && a.debt == 0);
        vm.assertEq(view_(operator).balance, type(uint32).max);
    }

    /* CUSTODY */

    function test_custody_goes_to_the_distributor_alone() external {
        funded(100, 0);
        collect(4, charge(payer, 100));
        vm.expectEmit(address(escrow));
        emit IPaymentEscrow.CustodyReleased(4, 100);
        vm.prank(address(ledger));
        escrow.releaseCustody(4, 100);
        vm.assertEq(token.balanceOf(address(distributor)), 100);
    }
}
