// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {CommittedBatch, IChallenges, Opening} from "../../interfaces/IChallenges.sol";
import {IFormatChallenges} from "../../interfaces/IFormatChallenges.sol";
import {IReceiptChallenges} from "../../interfaces/IReceiptChallenges.sol";
import {GuiltModel} from "./GuiltModel.sol";

/// @notice Faults of attribution sets, in their form or against the terms.
contract SetGuiltTest is GuiltModel {
    /* SETS */

    function part(uint256 k, uint256 shift, uint256 bits, uint256 value) private {
        uint256 snapshot = vm.snapshotState();
        put(setsAt() + k, shift, bits, value);
        CommittedBatch memory b = post();
        bytes memory data = abi.encodeCall(IFormatChallenges.challengeSetPart, (b, k, opening(setsAt() + k)));
        convict(b, data, "set_malformed");
        vm.revertToState(snapshot);
    }

    function test_a_part_of_a_set_that_breaks_the_form() external {
        part(0, 240, 8, 1);
        part(1, 240, 8, 2);
        part(1, 232, 8, 5);
        part(2, 232, 8, 3);
        part(0, 224, 8, 1);
        part(0, 168, 24, 0);
        part(1, 168 - 56, 24, 0);
        part(1, 0, 56, 0);
        part(0, 168 - 32, 32, 3);
        part(1, 168 - 32, 32, 0);
    }

    function test_parts_that_do_not_go_together() external {
        uint256 snapshot = vm.snapshotState();
        for (uint256 n = 0; n < 3; ++n) {
            uint256 k = n == 0 ? 0 : 1;
            if (n == 0) put(setsAt() + 1, 240, 8, 1);
            if (n == 1) put(setsAt() + 2, 240, 8, 0);
            if (n == 2) put(setsAt() + 2, 192, 32, 3);
            CommittedBatch memory b = post();
            bytes memory data = abi.encodeCall(
                IFormatChallenges.challengeSetNeighbours, (b, k, opening(setsAt() + k), opening(setsAt() + k + 1))
            );
            convict(b, data, "set_malformed");
            vm.revertToState(snapshot);
            snapshot = vm.snapshotState();
        }
    }

    function test_a_set_that_does_not_sum_to_a_million() external {
        put(setsAt() + 2, 168 - 56, 24, 499_999);
        CommittedBatch memory b = post();
        bytes memory data =
            abi.encodeCall(IFormatChallenges.challengeSetSum, (b, 1, openings(setsAt() + 1, setsAt() + 2)));
        convict(b, data, "set_malformed");
    }

    function test_what_is_not_a_whole_set_has_no_sum() external {
        CommittedBatch memory b = post();
        (uint256 s, bytes4 noSet) = (setsAt(), IChallenges.ChallengeNoSuchSet.selector);
        bytes4 count = IChallenges.ChallengeOpeningCount.selector;
        refuse(abi.encodeCall(IFormatChallenges.challengeSetSum, (b, 2, openings(s + 2))), noSet);
        refuse(abi.encodeCall(IFormatChallenges.challengeSetSum, (b, 1, openings(s + 1))), count);
        refuse(abi.encodeCall(IFormatChallenges.challengeSetSum, (b, 0, openings(s, s + 1))), count);
        refuse(abi.encodeCall(IFormatChallenges.challengeSetSum, (b, 0, new Opening[](0))), count);
    }

    function test_a_part_that_breaks_the_form_is_challenged_as_that() external {
        put(setsAt(), 224, 8, 1);
        CommittedBatch memory b = post();
        refuse(
            abi.encodeCall(IFormatChallenges.challengeSetSum, (b, 0, openings(setsAt()))),
            IChallenges.ChallengeNoSuchSet.selector
        );
        bytes memory data = abi.encodeCall(IFormatChallenges.challengeSetPart, (b, 0, opening(setsAt())));
        convict(b, data, "set_malformed");
    }

    function test_a_pointer_outside_the_sets_or_into_the_middle_of_one() external {
        uint256[3] memory targets = [setsAt() - 1, setsAt() + 3, setsAt() + 2];
        uint256 snapshot = vm.snapshotState();
        for (uint256 n = 0; n < 3; ++n) {
            put(bAt(3), 128, 32, targets[n]);
            CommittedBatch memory b = post();
            Opening[] memory parts = n == 2 ? openings(targets[n]) : new Opening[](0);
            bytes memory data = abi.encodeCall(IFormatChallenges.challengeSetPointer, (b, 3, opening(bAt(3)), parts));
            convict(b, data, "set_pointer");
            vm.revertToState(snapshot);
            snapshot = vm.snapshotState();
        }
    }

    function test_a_set_in_fixed_mode() external {
        put(bAt(3), 160, 32, FIXED_MODEL);
        put(bAt(3), 128, 32, setsAt());
        CommittedBatch memory b = post();
        bytes memory data =
            abi.encodeCall(IReceiptChallenges.challengeAdmission, (b, 3, opening(bAt(3)), 0, 0, new Opening[](0)));
        convict(b, data, "set_in_fixed_mode");
    }

    function test_a_pointer_to_no_set_is_challenged_as_that() external {
        uint256 i = with(1);
        uint256 snapshot = vm.snapshotState();
        put(bAt(i), 128, 32, setsAt() - 1);
        CommittedBatch memory b = post();
        Opening[] memory parts = openings(setsAt() - 1);
        refuse(
            abi.encodeCall(IReceiptChallenges.challengeAdmission, (b, i, opening(bAt(i)), 0, 0, parts)),
            IChallenges.ChallengeNoSuchSet.selector
        );
        // The set pointed at has one part; the next one's first part is not its second.
        vm.revertToState(snapshot);
        b = post();
        refuse(
            abi.encodeCall(
                IReceiptChallenges.challengeAdmission, (b, i, opening(bAt(i)), 1, 0, openings(setsAt() + 1))
            ),
            IChallenges.ChallengeNoSuchSet.selector
        );
    }

    function test_a_dataset_that_is_not_admitted() external {
        uint256 i = with(2);
        put(setsAt() + 2, 168 - 32, 32, 6);
        CommittedBatch memory b = post();
        Opening[] memory parts = openings(setsAt() + 2);
        refuse(
            abi.encodeCall(IReceiptChallenges.challengeAdmission, (b, i, opening(bAt(i)), 1, 0, parts)),
            IChallenges.ChallengeInnocent.selector
        );
        bytes memory data = abi.encodeCall(IReceiptChallenges.challengeAdmission, (b, i, opening(bAt(i)), 1, 1, parts));
        convict(b, data, "set_not_admitted");
    }
}
