// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IBlobDemands} from "../../interfaces/IBlobDemands.sol";
import {Bond, IOperators} from "../../interfaces/IOperators.sol";
import {AccountView, IPaymentEscrow} from "../../interfaces/IPaymentEscrow.sol";
import {IReceiptLedger} from "../../interfaces/IReceiptLedger.sol";
import {IRoyaltyDistributor, Root} from "../../interfaces/IRoyaltyDistributor.sol";
import {Vm} from "../Vm.sol";
import {Books} from "./Books.sol";
import {ChallengeMoves} from "./ChallengeMoves.sol";
import {DemandMoves} from "./DemandMoves.sol";
import {Handler} from "./Handler.sol";
import {OperatorMoves} from "./OperatorMoves.sol";
import {PayerMoves} from "./PayerMoves.sol";
import {SettlementMoves} from "./SettlementMoves.sol";

/// @dev The form in which forge takes the calls it may make.
struct FuzzSelector {
    address addr;
    bytes4[] selectors;
}

/// @notice After any sequence of moves, every unit is somewhere, once.
contract ConservationTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    Handler private handler;
    IERC20 private token;
    IOperators private operators;
    IPaymentEscrow private escrow;
    IRoyaltyDistributor private distributor;
    IReceiptLedger private ledger;
    IBlobDemands private demands;
    address private operator;

    function setUp() external {
        handler = new Handler();
        (address t, address o, address e, address d, address l, address b) = handler.contracts();
        (token, operators, escrow) = (IERC20(t), IOperators(o), IPaymentEscrow(e));
        (distributor, ledger, demands) = (IRoyaltyDistributor(d), IReceiptLedger(l), IBlobDemands(b));
        operator = handler.theOperator();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// The moves only, not what the handler inherits.
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), moves());
    }

    function moves() private pure returns (bytes4[] memory list) {
        bytes4[25] memory all = [
            PayerMoves.depositFor.selector,
            PayerMoves.thaw.selector,
            PayerMoves.cancelThaw.selector,
            PayerMoves.withdraw.selector,
            PayerMoves.authorize.selector,
            PayerMoves.lowerCap.selector,
            PayerMoves.collectDebt.selector,
            OperatorMoves.depositTheBond.selector,
            OperatorMoves.requestBond.selector,
            OperatorMoves.withdrawBond.selector,
            OperatorMoves.commitBatch.selector,
            OperatorMoves.finalizeBatch.selector,
            ChallengeMoves.voidBatch.selector,
            ChallengeMoves.refund.selector,
            ChallengeMoves.recommitBatch.selector,
            ChallengeMoves.penalize.selector,
            DemandMoves.demandBlob.selector,
            DemandMoves.answerDemand.selector,
            DemandMoves.voidWithheld.selector,
            DemandMoves.reclaim.selector,
            SettlementMoves.submitRoot.selector,
            SettlementMoves.disableRoot.selector,
            SettlementMoves.claimMany.selector,
            Handler.passTime.selector,
            Handler.sendStray.selector
        ];
        list = new bytes4[](all.length);
        for (uint256 i = 0; i < all.length; ++i) {
            list[i] = all[i];
        }
    }

    /* REACH */

    /// A long walk of drawn moves: it must make every move for real, or the invariants would hold for want of action.
    function test_a_long_walk_makes_every_move_and_keeps_every_invariant() external {
        bytes4[] memory list = moves();
        for (uint256 step = 0; step < 2500; ++step) {
            bytes32 draw = keccak256(abi.encode("walk", step));
            // Enough random words for the longest argument list, each within 31 bits.
            bytes memory words;
            for (uint256 i = 0; i < 4; ++i) {
                words = bytes.concat(words, bytes32(uint256(keccak256(abi.encode(draw, i))) >> 225));
            }
            (bool success,) = address(handler).call(bytes.concat(list[uint256(draw) % list.length], words));
            vm.assertTrue(success, "a move reverted");
            if (step % 100 == 99) checkAll();
        }
        string[26] memory names = [
            "deposit", "thaw", "cancelThaw", "withdraw", "authorize", "lowerCap", "collectDebt", "depositBond",
            "requestBond", "withdrawBond", "commit", "finalize", "submitRoot", "disableRoot", "claimMany", "passTime",
            "stray", "void", "refund", "recommit", "penalize",
            "commitUnattested", "demand", "answer", "withheld", "reclaim"
        ];
        for (uint256 i = 0; i < names.length; ++i) {
            vm.assertGe(handler.made(bytes32(bytes(names[i]))), 1, names[i]);
        }
        vm.assertGe(paidOut(), 1, "paid");
        vm.assertGe(handler.shortfallsPaid(), 1, "shortfalls");
    }

    /// One campaign for all: forge would walk anew for each.
    function invariant_everything_adds_up() external view {
        checkAll();
    }

    function checkAll() private view {
        check_every_unit_is_somewhere_once();
        check_the_escrow_holds_accounts_and_custody();
        check_the_bonds_are_there_and_back_every_open_batch();
        check_the_deposits_of_open_demands_are_there();
        check_a_voided_batch_stays_voided_until_it_is_filled();
        check_the_distributor_holds_what_is_unclaimed();
        check_no_payer_paid_beyond_what_it_signed();
        check_the_operators_deposit_pays_shortfalls_and_gets_debts();
        check_a_final_batch_never_comes_back();
        check_standing_roots_never_promise_less_or_more_than_funded();
    }

    /* BALANCES */

    function accountsHeld() private view returns (uint256 sum) {
        sum = escrow.account(operator, operator).balance;
        for (uint256 i = 0; i < handler.PAYERS(); ++i) {
            sum += escrow.account(handler.payerAt(i), operator).balance;
        }
    }

    function custody() private view returns (uint256 sum, uint256 reserved) {
        Books.OpenBatch[] memory open = handler.openBatches();
        for (uint256 i = 0; i < open.length; ++i) {
            sum += open[i].record.totalFee;
            reserved += open[i].record.reserve;
        }
        sum += handler.custodyOfHoles();
    }

    function paidOut() private view returns (uint256 sum) {
        for (uint256 i = 0; i < handler.PAYEES(); ++i) {
            sum += token.balanceOf(handler.payeeAt(i));
        }
    }

    /// What went into the operator's own pocket, as deposit or bond.
    function withdrawnByOperator() private view returns (uint256) {
        return handler.withdrawnBy(operator) + handler.bondsOut();
    }

    function withdrawn() private view returns (uint256 sum) {
        sum = handler.withdrawnBy(operator);
        for (uint256 i = 0; i < handler.PAYERS(); ++i) {
            sum += handler.withdrawnBy(handler.payerAt(i));
        }
    }

    /* INVARIANTS */

    function check_every_unit_is_somewhere_once() private view {
        (uint256 open,) = custody();
        uint256 accounted = accountsHeld() + open + operators.bond(operator).amount + handler.stray()
            + distributor.totalFunded() - distributor.totalClaimed() + withdrawn() + handler.bondsOut() + paidOut()
            + handler.rewards() + handler.burned() + handler.demandsIn();
        vm.assertEq(accounted, handler.minted(), "conservation");
    }

    function check_the_escrow_holds_accounts_and_custody() private view {
        (uint256 open,) = custody();
        vm.assertGe(token.balanceOf(address(escrow)), accountsHeld() + open, "escrow");
    }

    function check_the_bonds_are_there_and_back_every_open_batch() private view {
        Bond memory bond = operators.bond(operator);
        (, uint256 reserved) = custody();
        vm.assertEq(bond.reserved, reserved, "reserved");
        vm.assertEq(
            bond.amount, handler.bondsIn() - handler.bondsOut() - handler.rewards() - handler.burned(), "bond"
        );
        vm.assertEq(token.balanceOf(address(0xC4A1)) + token.balanceOf(operator),
            handler.rewards() + withdrawnByOperator() + handler.demandsOut(), "rewards");
        vm.assertEq(token.balanceOf(address(0xdEaD)), handler.burned(), "burned");
        vm.assertGe(bond.amount, uint256(bond.reserved) + bond.withdrawing, "free bond");
        vm.assertGe(token.balanceOf(address(operators)), bond.amount, "operators");
    }

    function check_the_deposits_of_open_demands_are_there() private view {
        uint256 held = handler.openDemands() * demands.depositUnits();
        vm.assertEq(handler.demandsIn() - handler.demandsOut(), held, "demands");
        vm.assertGe(token.balanceOf(address(demands)), held, "demand deposits");
    }

    function check_a_voided_batch_stays_voided_until_it_is_filled() private view {
        Books.Hole[] memory holes = handler.holes();
        for (uint256 i = 0; i < holes.length; ++i) {
            vm.assertEq(ledger.batchHash(holes[i].id), keccak256(abi.encode(holes[i].record)), "voided");
        }
    }

    function check_the_distributor_holds_what_is_unclaimed() private view {
        vm.assertEq(distributor.totalFunded(), handler.funded(), "funded");
        vm.assertGe(
            token.balanceOf(address(distributor)), distributor.totalFunded() - distributor.totalClaimed(), "distributor"
        );
        uint256 claimed = 0;
        for (uint256 i = 0; i < handler.PAYEES(); ++i) {
            vm.assertGe(distributor.claimed(handler.payeeAt(i)), handler.claimedBefore(handler.payeeAt(i)), "fell");
            claimed += distributor.claimed(handler.payeeAt(i));
        }
        vm.assertEq(claimed, distributor.totalClaimed(), "claims");
        vm.assertEq(claimed, paidOut(), "paid");
    }

    function check_no_payer_paid_beyond_what_it_signed() private view {
        for (uint256 i = 0; i < handler.PAYERS(); ++i) {
            address p = handler.payerAt(i);
            AccountView memory a = escrow.account(p, operator);
            vm.assertLe(a.collected, handler.bestCapOf(p), "cap");
            vm.assertEq(
                a.balance + a.collected, handler.depositedBy(p) - handler.withdrawnBy(p), "a payer's own books"
            );
            vm.assertEq(a.collected + a.debt, handler.owedBy(p), "charges");
            vm.assertLe(a.thawing, a.balance, "thawing");
        }
    }

    function check_the_operators_deposit_pays_shortfalls_and_gets_debts() private view {
        AccountView memory own = escrow.account(operator, operator);
        vm.assertEq(
            own.balance + handler.shortfallsPaid(),
            handler.depositedBy(operator) - handler.withdrawnBy(operator) + handler.debtsCollected()
                + handler.shortfallsReturned(),
            "operator deposit"
        );
    }

    function check_a_final_batch_never_comes_back() private view {
        for (uint256 i = 0; i < handler.finalizedCount(); ++i) {
            vm.assertEq(ledger.batchHash(handler.finalized(i)), bytes32(0), "final");
        }
        vm.assertEq(ledger.batchCount(), handler.finalizedCount() + handler.openBatches().length + handler.holeCount());
    }

    function check_standing_roots_never_promise_less_or_more_than_funded() private view {
        uint256 previous = 0;
        uint64 through = 0;
        for (uint64 index = 1; index < distributor.nextRootIndex(); ++index) {
            Root memory root = distributor.root(index);
            vm.assertLe(root.totalCumulative, distributor.totalFunded(), "promise");
            if (root.disabled) continue;
            vm.assertGe(root.totalCumulative, previous, "total");
            vm.assertGe(root.throughL2Block, through, "block");
            (previous, through) = (root.totalCumulative, root.throughL2Block);
        }
        vm.assertLe(distributor.totalClaimed(), previous, "claimed beyond the newest root");
    }
}
