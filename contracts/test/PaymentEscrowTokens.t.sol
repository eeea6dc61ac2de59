// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IPaymentEscrow} from "../interfaces/IPaymentEscrow.sol";
import {PaymentEscrow} from "../src/PaymentEscrow.sol";
import {ExactTransfer} from "../src/libraries/ExactTransfer.sol";
import {
    CallbackToken,
    DecimalsToken,
    FeeToken,
    NonzeroToken,
    OddToken,
    RebasingToken,
    SilentToken
} from "./tokens/OddTokens.sol";
import {EscrowModel} from "./EscrowModel.sol";

/// @notice Tokens that are refused, and tokens that are put up with.
contract PaymentEscrowTokensTest is EscrowModel {
    function test_a_token_with_a_fee_is_refused_on_the_way_in_and_out() external {
        FeeToken fee = new FeeToken();
        refusesDepositOf(fee);
        fee.setFee(false);
        escrow.deposit(payer, operator, 10);
        fee.setFee(true);
        vm.expectRevert(abi.encodeWithSelector(ExactTransfer.TransferNotExact.selector, 10, 9));
        vm.prank(address(ledger));
        escrow.releaseCustody(1, 10);
    }

    function test_a_token_that_rebases_is_refused() external {
        refusesDepositOf(new RebasingToken());
    }

    /// Ten of the token are sent, and nine arrive.
    function refusesDepositOf(OddToken odd) private {
        deploy(IERC20Metadata(address(odd)), address(0));
        odd.mint(address(this), 10);
        odd.approve(address(escrow), 10);
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
        withdrawsWhatWasCollected();
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
