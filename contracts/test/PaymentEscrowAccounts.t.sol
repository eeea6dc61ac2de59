// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {AccountView, IPaymentEscrow} from "../interfaces/IPaymentEscrow.sol";
import {EscrowModel} from "./EscrowModel.sol";

/// @notice Money that comes in, and how it leaves again.
contract PaymentEscrowAccountsTest is EscrowModel {
    /* DEPOSIT */

    function test_anyone_may_deposit_for_a_payer() external {
        mint(stranger, 70);
        vm.startPrank(stranger);
        token.approve(address(escrow), 70);
        vm.expectEmit(address(escrow));
        emit IPaymentEscrow.Deposited(payer, operator, stranger, 70);
        escrow.deposit(payer, operator, 70);
        vm.stopPrank();
        vm.assertEq(view_(payer).balance, 70);
        vm.assertEq(token.balanceOf(address(escrow)), 70);
        vm.assertEq(escrow.account(payer, stranger).balance, 0);
    }

    function test_a_deposit_names_both_parties_and_an_amount() external {
        vm.expectRevert(IPaymentEscrow.EscrowAddressZero.selector);
        escrow.deposit(address(0), operator, 1);
        vm.expectRevert(IPaymentEscrow.EscrowAddressZero.selector);
        escrow.deposit(payer, address(0), 1);
        vm.expectRevert(IPaymentEscrow.EscrowAmountZero.selector);
        escrow.deposit(payer, operator, 0);
    }

    /* THAW AND WITHDRAWAL */

    function test_what_thaws_leaves_after_the_delay() external {
        deposit(payer, 100);
        vm.startPrank(payer);
        uint40 end = clock() + 84 hours;
        vm.expectEmit(address(escrow));
        emit IPaymentEscrow.ThawStarted(payer, operator, 60, end);
        escrow.thaw(operator, 60);
        vm.warp(end - 1);
        vm.expectRevert(abi.encodeWithSelector(IPaymentEscrow.EscrowThawing.selector, end));
        escrow.withdraw(operator);
        vm.warp(end);
        vm.expectEmit(address(escrow));
        emit IPaymentEscrow.Withdrawn(payer, operator, 60);
        escrow.withdraw(operator);
        vm.expectRevert(
            abi.encodeWithSelector(IPaymentEscrow.EscrowNothingThawing.selector, payer, operator)
        );
        escrow.withdraw(operator);
        vm.stopPrank();
        vm.assertEq(token.balanceOf(payer), 60);
        vm.assertEq(view_(payer).balance, 40);
    }

    function test_a_second_thaw_adds_and_restarts_the_delay() external {
        deposit(payer, 100);
        vm.startPrank(payer);
        escrow.thaw(operator, 30);
        skip(80 hours);
        escrow.thaw(operator, 50);
        vm.stopPrank();
        AccountView memory a = view_(payer);
        vm.assertEq(a.thawing, 80);
        vm.assertEq(a.thawEnd, clock() + 84 hours);
    }

    function test_no_more_thaws_than_there_is() external {
        deposit(payer, 100);
        vm.startPrank(payer);
        escrow.thaw(operator, 30);
        vm.expectRevert(
            abi.encodeWithSelector(IPaymentEscrow.EscrowBalanceTooSmall.selector, uint64(70), uint64(71))
        );
        escrow.thaw(operator, 71);
        vm.expectRevert(IPaymentEscrow.EscrowAmountZero.selector);
        escrow.thaw(operator, 0);
        vm.stopPrank();
    }

    function test_a_thaw_can_be_taken_back() external {
        deposit(payer, 100);
        vm.startPrank(payer);
        vm.expectRevert(
            abi.encodeWithSelector(IPaymentEscrow.EscrowNothingThawing.selector, payer, operator)
        );
        escrow.cancelThaw(operator);
        escrow.thaw(operator, 30);
        vm.expectEmit(address(escrow));
        emit IPaymentEscrow.ThawCancelled(payer, operator);
        escrow.cancelThaw(operator);
        vm.stopPrank();
        AccountView memory a = view_(payer);
        vm.assertTrue(a.thawing == 0 && a.thawEnd == 0 && a.balance == 100);
    }

    function test_what_thaws_is_still_collected_and_new_money_does_not_thaw() external {
        funded(100, 0);
        vm.prank(payer);
        escrow.thaw(operator, 90);
        collect(1, charge(payer, 70));
        vm.assertEq(view_(payer).thawing, 30);
        deposit(payer, 50);
        vm.assertEq(view_(payer).thawing, 30);
        vm.assertEq(view_(payer).balance, 80);
        skip(84 hours);
        vm.prank(payer);
        escrow.withdraw(operator);
        vm.assertEq(token.balanceOf(payer), 30);
        vm.assertEq(view_(payer).balance, 50);
    }

    function test_a_thaw_that_was_collected_whole_pays_nothing_and_ends() external {
        withdrawsWhatWasCollected();
        vm.assertEq(token.balanceOf(payer), 0);
        deposit(payer, 10);
        vm.assertEq(view_(payer).thawing, 0);
    }
}
