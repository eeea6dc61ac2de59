// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {EffectiveShare, IAttributionRegistry, Kind, Share, Terms} from "../interfaces/IAttributionRegistry.sol";
import {ContributorList, IContributorLists} from "../interfaces/IContributorLists.sol";
import {World} from "./World.sol";

contract ContributorListsTest is World {
    address private constant OWNER = address(0x0A);

    /* ROWS AND THEIR TREE, WRITTEN AS RFC 9162 DEFINES IT */

    function row(address contributor, uint256 weight) private pure returns (bytes32) {
        return bytes32(bytes20(contributor)) | bytes32(weight);
    }

    /// Rising contributors with weights from a seed, small and great ones.
    function drawn(uint256 seed, uint256 count) private pure returns (bytes32[] memory rows, uint64 total) {
        rows = new bytes32[](count);
        uint160 at = 0;
        for (uint256 i = 0; i < count; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            at += 1 + uint160(word % (2 ** 140));
            uint256 weight = 1 + (word >> 160) % (word & 1 == 0 ? 10 : 2 ** 40);
            rows[i] = row(address(at), weight);
            total += uint64(weight);
        }
    }

    function rootOf(bytes32[] memory rows, uint256 from, uint256 to) private pure returns (bytes32) {
        if (to - from == 1) return keccak256(abi.encode(rows[from]));
        uint256 left = 1;
        while (2 * left < to - from) left *= 2;
        return keccak256(abi.encode(rootOf(rows, from, from + left), rootOf(rows, from + left, to)));
    }

    function rootOf(bytes32[] memory rows) private pure returns (bytes32) {
        return rootOf(rows, 0, rows.length);
    }

    function part(bytes32[] memory rows, uint256 from, uint256 to) private pure returns (bytes32[] memory chunk) {
        chunk = new bytes32[](to - from);
        for (uint256 i = from; i < to; ++i) {
            chunk[i - from] = rows[i];
        }
    }

    function open(bytes32[] memory rows, uint64 total) private returns (uint32) {
        vm.prank(OWNER);
        return registry.openContributors(rootOf(rows), uint32(rows.length), total);
    }

    function publish(uint32 id, bytes32[] memory rows) private {
        vm.prank(OWNER);
        registry.publishContributors(id, rows);
    }

    function complete(uint256 seed, uint256 count) private returns (uint32 id) {
        (bytes32[] memory rows, uint64 total) = drawn(seed, count);
        id = open(rows, total);
        publish(id, rows);
    }

    function naming(address payee) private pure returns (Terms memory t) {
        t = plainTerms(OWNER);
        t.split = new Share[](2);
        t.split[0] = Share(OWNER, 100_000);
        t.split[1] = Share(payee, 900_000);
    }

    /* A LIST BECOMES COMPLETE */

    function test_a_list_is_complete_with_its_last_row_and_says_so() external {
        (bytes32[] memory rows, uint64 total) = drawn(7, 5);
        vm.expectEmit(address(registry));
        emit IContributorLists.ContributorsOpened(1, OWNER, rootOf(rows), 5, total);
        uint32 id = open(rows, total);
        bytes32[] memory first = part(rows, 0, 3);
        vm.expectEmit(address(registry));
        emit IContributorLists.ContributorsPublished(1, 0, 0, first);
        publish(id, first);
        ContributorList memory list = registry.contributorList(id);
        vm.assertTrue(list.publisher == OWNER && list.count == 5 && list.published == 3);
        vm.assertEq(list.last, address(bytes20(rows[2])));

        bytes32[] memory rest = part(rows, 3, 5);
        vm.expectEmit(address(registry));
        emit IContributorLists.ContributorsPublished(1, 3, list.publishedWeight, rest);
        vm.expectEmit(address(registry));
        emit IContributorLists.ContributorsCompleted(1);
        publish(id, rest);
        list = registry.contributorList(id);
        vm.assertEq(list.published, 5);
        vm.assertEq(list.publishedWeight, total);
        vm.assertEq(list.totalWeight, total);
        vm.assertEq(list.root, rootOf(rows));
        vm.assertEq(registry.contributorListCount(), 1);
    }

    function testFuzz_any_list_in_any_chunks_is_complete(uint256 seed, uint16 size) external {
        (bytes32[] memory rows, uint64 total) = drawn(seed, 1 + size % 90);
        uint32 id = open(rows, total);
        uint256 at = 0;
        while (at < rows.length) {
            uint256 to = at + 1 + uint256(keccak256(abi.encode(seed, "chunk", at))) % 40;
            if (to > rows.length) to = rows.length;
            publish(id, part(rows, at, to));
            at = to;
        }
        vm.assertEq(registry.contributorList(id).published, rows.length);
        vm.assertEq(registry.contributorList(id).publishedWeight, total);
    }

    function testFuzz_a_list_whose_rows_are_not_those_committed_to_is_never_complete(
        uint256 seed,
        uint16 size,
        uint16 where
    ) external {
        (bytes32[] memory rows, uint64 total) = drawn(seed, 2 + size % 60);
        uint32 id = open(rows, total);
        // One unit of weight moves from a row to another: count, order and sum stay right.
        uint256 from = where % rows.length;
        uint256 to = (from + 1) % rows.length;
        if (uint96(uint256(rows[from])) == 1) (from, to) = (to, from);
        if (uint96(uint256(rows[from])) == 1) return;
        bytes32 committed = rootOf(rows);
        rows[from] = bytes32(uint256(rows[from]) - 1);
        rows[to] = bytes32(uint256(rows[to]) + 1);
        vm.expectRevert(abi.encodeWithSelector(IContributorLists.ContributorsRoot.selector, rootOf(rows), committed));
        publish(id, rows);
    }

    function test_five_thousand_contributors_fit_into_ten_transactions() external {
        (bytes32[] memory rows, uint64 total) = drawn(1, 5000);
        uint32 id = open(rows, total);
        for (uint256 at = 0; at < 5000; at += 512) {
            publish(id, part(rows, at, at + 512 < 5000 ? at + 512 : 5000));
        }
        vm.assertEq(registry.contributorList(id).published, 5000);
        asset(naming(registry.contributorsPayee(id)), "");
    }

    /* WHAT IS REFUSED */

    function test_an_empty_a_too_long_and_a_weightless_list_are_refused() external {
        bytes4 count = IContributorLists.ContributorsCount.selector;
        vm.expectRevert(abi.encodeWithSelector(count, 0, 65_536));
        registry.openContributors(0, 0, 1);
        vm.expectRevert(abi.encodeWithSelector(count, 65_537, 65_536));
        registry.openContributors(0, 65_537, 65_537);
        vm.expectRevert(abi.encodeWithSelector(IContributorLists.ContributorsWeight.selector, uint64(2), uint32(3)));
        registry.openContributors(0, 3, 2);
        registry.openContributors(0, 65_536, 65_536);
    }

    function test_only_the_publisher_publishes_and_only_what_is_missing() external {
        (bytes32[] memory rows, uint64 total) = drawn(3, 4);
        vm.expectRevert(abi.encodeWithSelector(IContributorLists.ContributorsListUnknown.selector, uint32(1)));
        registry.publishContributors(1, rows);
        uint32 id = open(rows, total);
        vm.expectRevert(
            abi.encodeWithSelector(IContributorLists.ContributorsNotPublisher.selector, id, stranger, OWNER)
        );
        vm.prank(stranger);
        registry.publishContributors(id, rows);
        bytes4 rowCount = IContributorLists.ContributorsRowCount.selector;
        bytes32[] memory none = new bytes32[](0);
        vm.expectRevert(abi.encodeWithSelector(rowCount, 0, 4));
        publish(id, none);
        publish(id, part(rows, 0, 1));
        vm.expectRevert(abi.encodeWithSelector(rowCount, 4, 3));
        publish(id, rows);
        publish(id, part(rows, 1, 4));
        bytes32[] memory again = part(rows, 3, 4);
        vm.expectRevert(abi.encodeWithSelector(rowCount, 1, 0));
        publish(id, again);
    }

    function test_contributors_rise_strictly_also_from_chunk_to_chunk() external {
        bytes32[] memory rows = new bytes32[](2);
        (rows[0], rows[1]) = (row(address(8), 1), row(address(8), 1));
        uint32 id = open(rows, 2);
        bytes4 invalid = IContributorLists.ContributorsRowInvalid.selector;
        vm.expectRevert(abi.encodeWithSelector(invalid, 1, rows[1]));
        publish(id, rows);
        publish(id, part(rows, 0, 1));
        bytes32[] memory second = part(rows, 1, 2);
        vm.expectRevert(abi.encodeWithSelector(invalid, 1, second[0]));
        publish(id, second);
        second[0] = row(address(7), 1);
        vm.expectRevert(abi.encodeWithSelector(invalid, 1, second[0]));
        publish(id, second);
    }

    function test_nobody_a_weight_of_zero_and_another_list_cannot_contribute() external {
        bytes32[] memory rows = new bytes32[](1);
        address list = registry.contributorsPayee(complete(5, 3));
        bytes32[3] memory wrong = [row(address(0), 1), row(address(9), 0), row(list, 1)];
        for (uint256 i = 0; i < 3; ++i) {
            rows[0] = wrong[i];
            uint32 id = open(rows, 1);
            vm.expectRevert(abi.encodeWithSelector(IContributorLists.ContributorsRowInvalid.selector, 0, rows[0]));
            publish(id, rows);
        }
    }

    function test_weights_sum_to_what_was_committed_to() external {
        (bytes32[] memory rows, uint64 total) = drawn(11, 6);
        bytes4 sum = IContributorLists.ContributorsWeightSum.selector;
        uint32 less = open(rows, total - 1);
        vm.expectRevert(abi.encodeWithSelector(sum, total, total - 1));
        publish(less, rows);
        uint32 more = open(rows, total + 1);
        vm.expectRevert(abi.encodeWithSelector(sum, total, total + 1));
        publish(more, rows);
        // Ninety-six bits in a row, sixty-four in the total: nothing wraps round.
        uint256 sumOfAll = total - uint256(uint96(uint256(rows[5]))) + type(uint96).max;
        rows[5] = row(address(bytes20(rows[5])), type(uint96).max);
        uint32 great = open(rows, type(uint64).max);
        vm.expectRevert(abi.encodeWithSelector(sum, sumOfAll, type(uint64).max));
        publish(great, rows);
    }

    /* PAYEES THAT STAND FOR A LIST */

    function asset(Terms memory t, bytes memory refusal) private returns (uint32) {
        bytes32 content = keccak256(abi.encode(registry.assetCount(), clock()));
        vm.prank(OWNER);
        registry.commit(keccak256(abi.encode(OWNER, Kind.Dataset, content, bytes32("salt"))));
        skip(60);
        if (refusal.length != 0) vm.expectRevert(refusal);
        vm.prank(OWNER);
        return registry.register(Kind.Dataset, content, "salt", "", t);
    }

    function incomplete(address payee) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IContributorLists.ContributorsIncomplete.selector, payee);
    }

    function test_terms_name_a_list_only_once_it_is_complete() external {
        (bytes32[] memory rows, uint64 total) = drawn(13, 9);
        address first = registry.contributorsPayee(1);
        asset(naming(first), incomplete(first));
        uint32 id = open(rows, total);
        asset(naming(first), incomplete(first));
        publish(id, part(rows, 0, 8));
        asset(naming(first), incomplete(first));
        publish(id, part(rows, 8, 9));
        uint32 datanet = asset(naming(first), "");
        EffectiveShare[] memory shares = registry.effectiveShares(datanet, 1);
        vm.assertEq(shares.length, 2);
        vm.assertTrue(shares[1].payee == first && shares[1].share == 0.9e12);
    }

    function test_no_address_of_the_range_is_payable_but_a_complete_lists() external {
        complete(17, 2);
        for (uint256 i = 0; i < 3; ++i) {
            address none = registry.contributorsPayee([uint32(0), 2, type(uint32).max][i]);
            asset(naming(none), incomplete(none));
        }
        // The same last four bytes under another tag are an address like any other.
        asset(naming(address(uint160(registry.contributorsPayee(2)) ^ (1 << 32))), "");
    }

    function test_a_new_version_may_name_other_contributors_after_the_notice() external {
        uint32 datanet = asset(naming(registry.contributorsPayee(complete(19, 3))), "");
        address second = registry.contributorsPayee(complete(23, 4));
        vm.prank(OWNER);
        registry.proposeTerms(datanet, naming(second));
        vm.assertEq(registry.termsVersionAt(datanet, clock()), 1);
        skip(48 hours);
        vm.assertEq(registry.termsVersionAt(datanet, clock()), 2);
        vm.assertEq(registry.effectiveShares(datanet, 2)[1].payee, second);
    }

    function test_a_list_stands_for_one_payee_in_its_childrens_shares() external {
        address list = registry.contributorsPayee(complete(29, 300));
        uint32 datanet = asset(naming(list), "");
        Terms memory t = childTerms(address(0xC0), datanet, 500_000);
        EffectiveShare[] memory shares = registry.effectiveShares(asset(t, ""), 1);
        vm.assertEq(shares.length, 3);
        vm.assertTrue(shares[2].payee == list && shares[2].share == 0.45e12);
    }
}
