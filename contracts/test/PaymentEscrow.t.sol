// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Charge} from "../interfaces/BatchTypes.sol";
import {AccountView, IPaymentEscrow} from "../interfaces/IPaymentEscrow.sol";
import {PaymentEscrow} from "../src/PaymentEscrow.sol";
import {ExactTransfer} from "../src/libraries/ExactTransfer.sol";
import {
    BlacklistToken,
    CallbackToken,
    DecimalsToken,
    FeeToken,
    NonzeroToken,
    RebasingToken,
    SilentToken
} from "./tokens/OddTokens.sol";
import {World} from "./World.sol";

contract PaymentEscrowTest is World {
    uint64 private constant CAP = 1_000_000;

    function view_(address payer_) private view returns (AccountView memory) {
        return escrow.account(payer_, operator);
    }

    function collect(uint64 batchId, Charge[] memory charges) private returns (uint64) {
        vm.prank(address(ledger));
        return escrow.collect(batchId, operator, clock(), charges);
    }

    function funded(uint64 balance, uint64 own) private {
        deposit(payer, balance);
        if (own != 0) deposit(operator, own);
        authorizeAs(PAYER_KEY, payer, CAP, inDays(30));
    }

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
        funded(100, 0);
        vm.prank(payer);
        escrow.thaw(operator, 100);
        collect(1, charge(payer, 100));
        skip(84 hours);
        vm.prank(payer);
        escrow.withdraw(operator);
        vm.assertEq(token.balanceOf(payer), 0);
        deposit(payer, 10);
        vm.assertEq(view_(payer).thawing, 0);
    }

    /* COLLECTION */

    function test_a_charge_within_balance_and_cap_is_paid_by_the_payer() external {
        funded(100, 0);
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

    /* TOKENS */

    function test_a_token_with_a_fee_is_refused_on_the_way_in_and_out() external {
        FeeToken fee = new FeeToken();
        deploy(IERC20Metadata(address(fee)), address(0));
        fee.mint(address(this), 10);
        fee.approve(address(escrow), 10);
        vm.expectRevert(abi.encodeWithSelector(ExactTransfer.TransferNotExact.selector, 10, 9));
        escrow.deposit(payer, operator, 10);
        fee.setFee(false);
        escrow.deposit(payer, operator, 10);
        fee.setFee(true);
        vm.expectRevert(abi.encodeWithSelector(ExactTransfer.TransferNotExact.selector, 10, 9));
        vm.prank(address(ledger));
        escrow.releaseCustody(1, 10);
    }

    function test_a_token_that_rebases_is_refused() external {
        RebasingToken rebasing = new RebasingToken();
        deploy(IERC20Metadata(address(rebasing)), address(0));
        rebasing.mint(address(this), 10);
        rebasing.approve(address(escrow), 10);
        vm.expectRevert(abi.encodeWithSelector(ExactTransfer.TransferNotExact.selector, 10, 9));
        escrow.deposit(payer, operator, 10);
    }

    function test_a_token_that_returns_nothing_works() external {
        deploy(IERC20Metadata(address(new SilentToken())), address(0));
        deposit(payer, 100);
        vm.startPrank(payer);
        escrow.thaw(operator, 100);
        skip(84 hours);
        escrow.withdraw(operator);
        vm.stopPrank();
        vm.assertEq(token.balanceOf(payer), 100);
    }

    function test_a_token_that_refuses_to_move_nothing_holds_nobody_up() external {
        deploy(IERC20Metadata(address(new NonzeroToken())), address(0));
        funded(100, 0);
        vm.prank(payer);
        escrow.thaw(operator, 100);
        collect(1, charge(payer, 100));
        skip(84 hours);
        vm.prank(payer);
        escrow.withdraw(operator);
        vm.assertEq(view_(payer).thawEnd, 0);
        vm.prank(address(ledger));
        escrow.releaseCustody(2, 0);
    }

    function test_a_token_that_calls_back_can_do_nothing_inside() external {
        deploy(IERC20Metadata(address(new CallbackToken())), address(0));
        Reentrant account = new Reentrant(escrow, operator);
        deposit(address(account), 100);
        account.thaw(100);
        skip(84 hours);
        account.withdraw();
        vm.assertTrue(account.wasRefused());
        vm.assertEq(token.balanceOf(address(account)), 100);
    }

    function test_a_token_of_too_many_decimals_is_refused() external {
        DecimalsToken ten = new DecimalsToken(10);
        vm.expectRevert(
            abi.encodeWithSelector(IPaymentEscrow.EscrowTokenDecimals.selector, uint8(10), uint8(9))
        );
        new PaymentEscrow(ten, address(ledger), address(distributor), pauser);
        new PaymentEscrow(new DecimalsToken(9), address(ledger), address(distributor), pauser);
    }

    function test_a_deployment_needs_a_ledger_and_a_distributor() external {
        IERC20Metadata token_ = IERC20Metadata(address(token));
        vm.expectRevert(IPaymentEscrow.EscrowAddressZero.selector);
        new PaymentEscrow(token_, address(0), address(1), pauser);
        vm.expectRevert(IPaymentEscrow.EscrowAddressZero.selector);
        new PaymentEscrow(token_, address(1), address(0), pauser);
    }
}

/// @notice A payer that tries to enter the escrow again while it is paid.
contract Reentrant {
    PaymentEscrow private immutable _escrow;
    address private immutable _operator;
    bool public wasRefused;

    constructor(PaymentEscrow escrow, address operator) {
        _escrow = escrow;
        _operator = operator;
    }

    function thaw(uint64 amount) external {
        _escrow.thaw(_operator, amount);
    }

    function withdraw() external {
        _escrow.withdraw(_operator);
    }

    function tokensReceived(uint256) external {
        try _escrow.deposit(address(this), _operator, 1) {}
        catch (bytes memory reason) {
            wasRefused = bytes4(reason) == bytes4(keccak256("ReentrancyGuardReentrantCall()"));
        }
    }
}
