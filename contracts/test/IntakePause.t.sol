// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {BatchHeader, BatchRecord, Charge} from "../interfaces/BatchTypes.sol";
import {IIntakePause} from "../interfaces/IIntakePause.sol";
import {PAUSE_DURATION} from "../src/Windows.sol";
import {World} from "./World.sol";

contract IntakePauseTest is World {
    function pauseAll() private {
        vm.startPrank(pauser);
        operators.pauseIntake();
        escrow.pauseIntake();
        ledger.pauseIntake();
        vm.stopPrank();
    }

    function test_only_the_pauser_pauses_and_unpauses() external {
        bytes memory refusal = abi.encodeWithSelector(IIntakePause.PauseNotPauser.selector, address(this), pauser);
        vm.expectRevert(refusal);
        ledger.pauseIntake();
        vm.expectRevert(refusal);
        ledger.unpauseIntake();
    }

    function test_a_pause_stops_every_intake() external {
        pauseAll();
        bytes memory refusal = abi.encodeWithSelector(
            IIntakePause.PauseInForce.selector, clock() + PAUSE_DURATION
        );
        vm.expectRevert(refusal);
        escrow.deposit(payer, operator, 1);
        vm.expectRevert(refusal);
        operators.depositBond(operator, 1);
        Charge[] memory charges = charge(payer, 1);
        BatchHeader memory h = headerFor(charges, 1);
        vm.prank(operator);
        vm.expectRevert(refusal);
        ledger.commitBatch(h, new bytes32[](1), charges);
    }

    function test_a_pause_stops_no_exit() external {
        deposit(payer, 100);
        deposit(operator, 100);
        depositBond(1000e6);
        (uint64 batchId, BatchRecord memory record) = commit(charge(payer, 40));
        vm.prank(payer);
        escrow.thaw(operator, 60);
        vm.prank(operator);
        operators.requestWithdrawal(10e6);
        skip(11 days);
        pauseAll();
        ledger.finalizeBatch(batchId, record);
        vm.prank(payer);
        escrow.withdraw(operator);
        vm.prank(operator);
        operators.withdrawBond();
        vm.assertEq(token.balanceOf(payer), 60);
        vm.assertEq(token.balanceOf(operator), 10e6);
    }

    function test_a_pause_ends_by_itself_and_cannot_follow_another_at_once() external {
        vm.expectEmit(address(escrow));
        emit IIntakePause.IntakePaused(pauser, clock() + PAUSE_DURATION);
        vm.prank(pauser);
        escrow.pauseIntake();
        uint40 earliest = clock() + 2 * PAUSE_DURATION;
        skip(PAUSE_DURATION);
        deposit(payer, 1);
        vm.prank(pauser);
        vm.expectRevert(abi.encodeWithSelector(IIntakePause.PauseTooSoon.selector, earliest));
        escrow.pauseIntake();
        vm.warp(earliest);
        vm.prank(pauser);
        escrow.pauseIntake();
        vm.assertEq(escrow.intakePausedUntil(), earliest + PAUSE_DURATION);
    }

    function test_unpausing_opens_intake_but_shortens_no_wait() external {
        vm.startPrank(pauser);
        escrow.pauseIntake();
        uint40 earliest = clock() + 2 * PAUSE_DURATION;
        skip(1 hours);
        vm.expectEmit(address(escrow));
        emit IIntakePause.IntakeUnpaused(pauser);
        escrow.unpauseIntake();
        vm.assertEq(escrow.intakePausedUntil(), clock());
        vm.expectRevert(abi.encodeWithSelector(IIntakePause.PauseTooSoon.selector, earliest));
        escrow.pauseIntake();
        vm.stopPrank();
        deposit(payer, 1);
    }

    function test_unpausing_without_a_pause_changes_nothing() external {
        vm.prank(pauser);
        escrow.unpauseIntake();
        vm.assertEq(escrow.intakePausedUntil(), 0);
    }
}
