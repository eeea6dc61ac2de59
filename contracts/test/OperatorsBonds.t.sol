// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Bond, IOperators} from "../interfaces/IOperators.sol";
import {Operators} from "../src/Operators.sol";
import {ExactTransfer} from "../src/libraries/ExactTransfer.sol";
import {BlacklistToken, FeeToken} from "./tokens/OddTokens.sol";
import {World} from "./World.sol";

/// @notice Bonds: what comes in, what batches hold, and what the guilty lose.
contract OperatorsBondsTest is World {
    uint64 private constant BOND = 1_000e6;
    address private constant DEAD = 0x000000000000000000000000000000000000dEaD;

    modifier bonded() {
        depositBond(BOND);
        _;
    }

    function asLedger() private {
        vm.prank(address(ledger));
    }

    /* BONDS */

    function test_anyone_may_add_to_a_bond() external {
        mint(address(this), BOND);
        token.approve(address(operators), BOND);
        vm.expectEmit(address(operators));
        emit IOperators.BondDeposited(operator, address(this), BOND);
        operators.depositBond(operator, BOND);
        vm.assertEq(operators.bond(operator).amount, BOND);
        vm.assertEq(operators.freeBond(operator), BOND);
        vm.assertEq(token.balanceOf(address(operators)), BOND);
    }

    function test_a_deposit_needs_an_operator_and_an_amount() external {
        vm.expectRevert(IOperators.OperatorsAddressZero.selector);
        operators.depositBond(address(0), 1);
        vm.expectRevert(IOperators.OperatorsAmountZero.selector);
        operators.depositBond(operator, 0);
    }

    function test_a_token_with_a_fee_is_refused() external {
        FeeToken fee = new FeeToken();
        deploy(IERC20Metadata(address(fee)), address(0));
        fee.mint(address(this), 10);
        fee.approve(address(operators), 10);
        vm.expectRevert(abi.encodeWithSelector(ExactTransfer.TransferNotExact.selector, 10, 9));
        operators.depositBond(operator, 10);
    }

    function test_a_withdrawal_that_is_kept_in_hand_lapses() external bonded {
        vm.startPrank(operator);
        operators.requestWithdrawal(400e6);
        uint40 until = clock() + 14 days;
        vm.warp(until + 1);
        vm.expectRevert(abi.encodeWithSelector(IOperators.OperatorsWithdrawalLapsed.selector, until));
        operators.withdrawBond();
        operators.cancelWithdrawal();
        vm.assertEq(operators.freeBond(operator), BOND);
        operators.requestWithdrawal(400e6);
        skip(14 days);
        operators.withdrawBond();
        vm.assertEq(token.balanceOf(operator), 400e6);
    }

    function test_a_withdrawal_waits_and_pays() external bonded {
        vm.startPrank(operator);
        uint40 available = clock() + 11 days;
        vm.expectEmit(address(operators));
        emit IOperators.BondWithdrawalRequested(operator, 400e6, available);
        operators.requestWithdrawal(400e6);
        vm.assertEq(operators.freeBond(operator), 600e6);
        vm.warp(available - 1);
        vm.expectRevert(abi.encodeWithSelector(IOperators.OperatorsWithdrawalTooEarly.selector, available));
        operators.withdrawBond();
        vm.warp(available);
        vm.expectEmit(address(operators));
        emit IOperators.BondWithdrawn(operator, 400e6);
        operators.withdrawBond();
        vm.stopPrank();
        vm.assertEq(token.balanceOf(operator), 400e6);
        Bond memory bond = operators.bond(operator);
        vm.assertTrue(bond.amount == 600e6 && bond.withdrawing == 0 && bond.availableAt == 0);
    }

    function test_a_second_request_adds_and_restarts_the_delay() external bonded {
        vm.startPrank(operator);
        operators.requestWithdrawal(100e6);
        skip(5 days);
        operators.requestWithdrawal(200e6);
        Bond memory bond = operators.bond(operator);
        vm.assertEq(bond.withdrawing, 300e6);
        vm.assertEq(bond.availableAt, clock() + 11 days);
        vm.stopPrank();
    }

    function test_only_what_is_free_can_be_asked_back() external bonded {
        asLedger();
        operators.reserve(operator, 1, 1_000e6);
        vm.startPrank(operator);
        vm.expectRevert(
            abi.encodeWithSelector(
                IOperators.OperatorsBondTooSmall.selector, operator, uint64(400e6), uint64(400e6 + 1)
            )
        );
        operators.requestWithdrawal(400e6 + 1);
        operators.requestWithdrawal(400e6);
        vm.expectRevert(IOperators.OperatorsAmountZero.selector);
        operators.requestWithdrawal(0);
        vm.stopPrank();
    }

    function test_a_request_can_be_taken_back() external bonded {
        vm.startPrank(operator);
        bytes memory nothing =
            abi.encodeWithSelector(IOperators.OperatorsNothingToWithdraw.selector, operator);
        vm.expectRevert(nothing);
        operators.cancelWithdrawal();
        vm.expectRevert(nothing);
        operators.withdrawBond();
        operators.requestWithdrawal(BOND);
        vm.expectEmit(address(operators));
        emit IOperators.BondWithdrawalCancelled(operator);
        operators.cancelWithdrawal();
        vm.assertEq(operators.freeBond(operator), BOND);
        vm.stopPrank();
    }

    /* RESERVES */

    function test_a_reserve_is_the_least_plus_a_part_rounded_up() external view {
        vm.assertEq(operators.reserveFor(0), 100e6);
        vm.assertEq(operators.reserveFor(1), 100e6 + 1);
        vm.assertEq(operators.reserveFor(2), 100e6 + 1);
        vm.assertEq(operators.reserveFor(3), 100e6 + 2);
        vm.assertEq(operators.reserveFor(type(uint64).max), (uint256(type(uint64).max) + 1) / 2 + 100e6);
    }

    function test_a_reserve_beyond_64_bits_is_more_than_any_bond() external {
        Operators greedy = new Operators(token, address(ledger), type(uint64).max, 1_000_000, pauser);
        vm.assertEq(greedy.reserveFor(1), type(uint64).max);
    }

    function test_a_reserve_is_held_and_released() external bonded {
        vm.expectEmit(address(operators));
        emit IOperators.BondReserved(operator, 7, 600e6);
        asLedger();
        vm.assertEq(operators.reserve(operator, 7, 1_000e6), 600e6);
        vm.assertEq(operators.freeBond(operator), 400e6);
        vm.expectRevert(
            abi.encodeWithSelector(
                IOperators.OperatorsBondTooSmall.selector, operator, uint64(400e6), uint64(600e6)
            )
        );
        asLedger();
        operators.reserve(operator, 8, 1_000e6);
        vm.expectEmit(address(operators));
        emit IOperators.BondReleased(operator, 7, 600e6);
        asLedger();
        operators.release(operator, 7, 600e6);
        vm.assertEq(operators.freeBond(operator), BOND);
    }

    function test_bond_that_is_asked_back_backs_no_batch() external bonded {
        vm.prank(operator);
        operators.requestWithdrawal(950e6);
        vm.expectRevert(
            abi.encodeWithSelector(
                IOperators.OperatorsBondTooSmall.selector, operator, uint64(50e6), uint64(100e6)
            )
        );
        asLedger();
        operators.reserve(operator, 1, 0);
    }

    /* SLASHING */

    function test_a_slash_rewards_a_fifth_and_burns_the_rest() external bonded {
        asLedger();
        operators.reserve(operator, 3, 801e6);
        uint64 held = 100e6 + 400_500_000;
        vm.expectEmit(address(operators));
        emit IOperators.BondSlashed(operator, 3, stranger, 100_100_000, held - 100_100_000);
        asLedger();
        operators.slash(operator, 3, held, stranger);
        vm.assertEq(token.balanceOf(stranger), 100_100_000);
        vm.assertEq(token.balanceOf(DEAD), held - 100_100_000);
        Bond memory bond = operators.bond(operator);
        vm.assertTrue(bond.amount == BOND - held && bond.reserved == 0);
        vm.assertEq(token.balanceOf(address(operators)), bond.amount);
    }

    function test_a_token_that_refuses_the_challenger_does_not_save_the_guilty() external {
        BlacklistToken listing = new BlacklistToken();
        deploy(IERC20Metadata(address(listing)), address(0));
        depositBond(BOND);
        asLedger();
        operators.reserve(operator, 3, 0);
        listing.list(stranger, true);
        listing.list(DEAD, true);
        asLedger();
        operators.slash(operator, 3, 100e6, stranger);
        vm.assertEq(operators.bond(operator).amount, BOND - 100e6);
        vm.assertEq(token.balanceOf(address(operators)), BOND);
    }

    function test_a_penalty_takes_what_no_batch_holds_and_the_request_last() external bonded {
        asLedger();
        operators.reserve(operator, 1, 0);
        vm.prank(operator);
        operators.requestWithdrawal(850e6);
        asLedger();
        vm.assertEq(operators.penalize(operator, 30e6, stranger), 30e6);
        vm.assertEq(operators.bond(operator).withdrawing, 850e6);
        asLedger();
        vm.assertEq(operators.penalize(operator, 100e6, stranger), 100e6);
        vm.assertEq(operators.bond(operator).withdrawing, 770e6);
        vm.expectEmit(address(operators));
        emit IOperators.BondSlashed(operator, 0, stranger, 154e6, 616e6);
        asLedger();
        vm.assertEq(operators.penalize(operator, 900e6, stranger), 770e6);
        Bond memory bond = operators.bond(operator);
        vm.assertTrue(bond.amount == 100e6 && bond.reserved == 100e6 && bond.withdrawing == 0);
    }

    function test_only_the_ledger_moves_reserves() external {
        bytes memory refusal = abi.encodeWithSelector(IOperators.OperatorsNotLedger.selector, address(this));
        vm.expectRevert(refusal);
        operators.reserve(operator, 1, 1);
        vm.expectRevert(refusal);
        operators.release(operator, 1, 1);
        vm.expectRevert(refusal);
        operators.slash(operator, 1, 1, stranger);
        vm.expectRevert(refusal);
        operators.penalize(operator, 1, stranger);
    }

    function test_a_deployment_needs_a_token_and_a_ledger() external {
        vm.expectRevert(IOperators.OperatorsAddressZero.selector);
        new Operators(IERC20(address(0)), address(1), 0, 0, pauser);
        vm.expectRevert(IOperators.OperatorsAddressZero.selector);
        new Operators(token, address(0), 0, 0, pauser);
    }
}
