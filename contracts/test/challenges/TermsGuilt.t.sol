// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {CommittedBatch, IChallenges, Opening} from "../../interfaces/IChallenges.sol";
import {InferenceReceipt} from "../../interfaces/InferenceReceipt.sol";
import {IReceiptChallenges} from "../../interfaces/IReceiptChallenges.sol";
import {GuiltModel} from "./GuiltModel.sol";

/// @notice Faults of a batch against published prices and terms.
contract TermsGuiltTest is GuiltModel {
    /* AGAINST PRICES AND TERMS */

    function test_a_fee_above_the_price() external {
        put(bAt(0), 64, 64, uint64(elements[bAt(0)] >> 64) + 1);
        CommittedBatch memory b = post();
        refuse(
            abi.encodeCall(IReceiptChallenges.challengeFloor, (b, 0, fees(0))), IChallenges.ChallengeInnocent.selector
        );
        convict(b, abi.encodeCall(IReceiptChallenges.challengePrice, (b, 0, fees(0))), "fee_differs_from_price");
    }

    function test_a_price_below_the_floor() external {
        uint256 i = with(1);
        vm.prank(operator);
        operators.setPrice(SET_MODEL, 500, 1000);
        skip(11 minutes);
        header.baseTime = clock();
        writeHeader();
        InferenceReceipt memory r = receipts[i];
        uint64 before = i == 0 ? 0 : uint64(elements[bAt(i - 1)] >> 64);
        put(bAt(i), 64, 64, before + (uint256(r.inputUnits) * 500 + uint256(r.outputUnits) * 1000 + 999) / 1000);
        CommittedBatch memory b = post();
        refuse(
            abi.encodeCall(IReceiptChallenges.challengePrice, (b, i, fees(i))), IChallenges.ChallengeInnocent.selector
        );
        convict(b, abi.encodeCall(IReceiptChallenges.challengeFloor, (b, i, fees(i))), "fee_below_floor");
    }

    function test_a_fee_is_shown_by_its_own_opening_and_the_one_before() external {
        CommittedBatch memory b = post();
        bytes4 count = IChallenges.ChallengeOpeningCount.selector;
        refuse(abi.encodeCall(IReceiptChallenges.challengePrice, (b, 0, openings(bAt(0), bAt(0)))), count);
        refuse(abi.encodeCall(IReceiptChallenges.challengePrice, (b, 1, openings(bAt(1)))), count);
        refuse(abi.encodeCall(IReceiptChallenges.challengeFloor, (b, 0, new Opening[](0))), count);
        uint256 i = with(1);
        bytes memory data = abi.encodeCall(
            IReceiptChallenges.challengeAdmission, (b, i, opening(bAt(i)), 0, 0, openings(setsAt(), setsAt() + 1))
        );
        refuse(data, count);
    }

    /// Served before a pause of intake and posted after it, a receipt is judged by the prices of its own time.
    function test_a_pause_moves_no_receipt_to_another_price() external {
        uint40 pausedAt = clock();
        vm.prank(operator);
        operators.setPrice(SET_MODEL, 2 * INPUT_PRICE, OUTPUT_PRICE);
        vm.prank(operator);
        operators.setPrice(FIXED_MODEL, 2 * INPUT_PRICE, OUTPUT_PRICE);
        vm.prank(pauser);
        ledger.pauseIntake();
        vm.warp(pausedAt + 3 days + 1 days - 1000);
        CommittedBatch memory b = post();
        vm.assertEq(b.record.termsFrom, pausedAt - 1000);
        for (uint256 i = 0; i < 6; ++i) {
            refuse(
                abi.encodeCall(IReceiptChallenges.challengePrice, (b, i, fees(i))),
                IChallenges.ChallengeInnocent.selector
            );
        }
    }
}
