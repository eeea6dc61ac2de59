// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {
    AttributionMode,
    EffectiveShare,
    IAttributionRegistry,
    Kind,
    Parent,
    Share,
    Terms
} from "../interfaces/IAttributionRegistry.sol";
import {World} from "./World.sol";

contract TermsVersionsTest is World {
    address private constant OWNER = address(0x0A);
    address private constant CHILD = address(0x0B);

    function refuses(Kind kind, Terms memory t, bytes memory reason) private {
        bytes32 contentHash = keccak256(abi.encode(t, clock()));
        vm.prank(OWNER);
        registry.commit(keccak256(abi.encode(OWNER, kind, contentHash, bytes32("salt"))));
        skip(60);
        vm.expectRevert(reason);
        vm.prank(OWNER);
        registry.register(kind, contentHash, "salt", "", t);
    }

    function asset(Kind kind, string memory name, Terms memory t) private returns (uint32) {
        return register(OWNER, kind, keccak256(bytes(name)), t);
    }

    /* SHARES */

    function test_each_ppm_has_its_limit() external {
        Terms memory t = plainTerms(OWNER);
        bytes4 tooHigh = IAttributionRegistry.RegistryPpmTooHigh.selector;
        t.royaltyPpm = 975_001;
        refuses(Kind.Model, t, abi.encodeWithSelector(tooHigh, 975_001, 975_000));
        t.royaltyPpm = 975_000;
        t.dataPpm = 1_000_001;
        refuses(Kind.Model, t, abi.encodeWithSelector(tooHigh, 1_000_001, 1_000_000));
        t.dataPpm = 1_000_000;
        t.minChildPpm = 1_000_001;
        refuses(Kind.Model, t, abi.encodeWithSelector(tooHigh, 1_000_001, 1_000_000));
        t.minChildPpm = 1_000_000;
        asset(Kind.Model, "all at their limits", t);
    }

    function test_a_split_must_be_whole_and_name_its_payees() external {
        Terms memory t = plainTerms(OWNER);
        t.split[0].ppm = 999_999;
        refuses(Kind.Model, t, abi.encodeWithSelector(IAttributionRegistry.RegistrySplitSum.selector, 999_999));
        t.split = new Share[](2);
        t.split[0] = Share(OWNER, 1_000_000);
        t.split[1] = Share(CHILD, 0);
        refuses(Kind.Model, t, abi.encodeWithSelector(IAttributionRegistry.RegistrySplitEmptyEntry.selector, 1));
        t.split[0] = Share(address(0), 999_999);
        t.split[1] = Share(CHILD, 1);
        refuses(Kind.Model, t, abi.encodeWithSelector(IAttributionRegistry.RegistrySplitEmptyEntry.selector, 0));
        t.split = new Share[](0);
        refuses(Kind.Model, t, abi.encodeWithSelector(IAttributionRegistry.RegistrySplitSum.selector, 0));
        t.split = new Share[](33);
        refuses(
            Kind.Model, t, abi.encodeWithSelector(IAttributionRegistry.RegistryTooMany.selector, 33, 32)
        );
    }

    /* PARENTS */

    function test_a_parent_must_be_there_and_older() external {
        refuses(
            Kind.Model,
            childTerms(OWNER, 5, 1),
            abi.encodeWithSelector(IAttributionRegistry.RegistryAssetUnknown.selector, uint32(5))
        );
        refuses(
            Kind.Model,
            childTerms(OWNER, 1, 1),
            abi.encodeWithSelector(IAttributionRegistry.RegistryParentNotOlder.selector, uint32(1), uint32(1))
        );
        asset(Kind.Model, "first", plainTerms(OWNER));
        asset(Kind.Model, "second", plainTerms(OWNER));
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionRegistry.RegistryParentNotOlder.selector, uint32(1), uint32(2))
        );
        vm.prank(OWNER);
        registry.proposeTerms(1, childTerms(OWNER, 2, 1));
    }

    function test_parents_are_few_different_and_take_no_more_than_all() external {
        asset(Kind.Model, "a", plainTerms(OWNER));
        asset(Kind.Model, "b", plainTerms(OWNER));
        Terms memory t = plainTerms(OWNER);
        t.parents = new Parent[](2);
        t.parents[0] = Parent(1, 600_000);
        t.parents[1] = Parent(1, 1);
        refuses(
            Kind.Model, t, abi.encodeWithSelector(IAttributionRegistry.RegistryParentRepeated.selector, uint32(1))
        );
        t.parents[1] = Parent(2, 400_001);
        refuses(
            Kind.Model,
            t,
            abi.encodeWithSelector(IAttributionRegistry.RegistryPpmTooHigh.selector, 1_000_001, 1_000_000)
        );
        t.parents = new Parent[](17);
        refuses(
            Kind.Model, t, abi.encodeWithSelector(IAttributionRegistry.RegistryTooMany.selector, 17, 16)
        );
    }

    function test_an_adapter_has_exactly_one_model_parent() external {
        asset(Kind.Model, "a", plainTerms(OWNER));
        asset(Kind.Model, "b", plainTerms(OWNER));
        asset(Kind.Dataset, "d", plainTerms(OWNER));
        refuses(
            Kind.Adapter,
            childTerms(OWNER, 3, 1),
            abi.encodeWithSelector(IAttributionRegistry.RegistryModelParents.selector, 0)
        );
        Terms memory t = plainTerms(OWNER);
        t.parents = new Parent[](2);
        t.parents[0] = Parent(1, 1);
        t.parents[1] = Parent(2, 1);
        refuses(
            Kind.Adapter, t, abi.encodeWithSelector(IAttributionRegistry.RegistryModelParents.selector, 2)
        );
        t.parents[1] = Parent(3, 1);
        asset(Kind.Adapter, "one model, one dataset", t);
        // A merged model may descend from several.
        t.parents[1] = Parent(2, 1);
        asset(Kind.Model, "merged", t);
    }

    function test_a_child_gives_at_least_what_its_parent_asks_now() external {
        Terms memory t = plainTerms(OWNER);
        t.minChildPpm = 100_000;
        asset(Kind.Model, "parent", t);
        bytes4 below = IAttributionRegistry.RegistryParentBelowLeast.selector;
        refuses(
            Kind.Model,
            childTerms(CHILD, 1, 99_999),
            abi.encodeWithSelector(below, uint32(1), uint32(99_999), uint32(100_000))
        );
        asset(Kind.Model, "child", childTerms(CHILD, 1, 100_000));
        t.minChildPpm = 200_000;
        vm.prank(OWNER);
        registry.proposeTerms(1, t);
        // Announced, not yet in force.
        asset(Kind.Model, "in time", childTerms(CHILD, 1, 100_000));
        skip(48 hours);
        refuses(
            Kind.Model,
            childTerms(CHILD, 1, 199_999),
            abi.encodeWithSelector(below, uint32(1), uint32(199_999), uint32(200_000))
        );
    }

    function test_a_parent_that_asks_for_more_does_not_freeze_its_children() external {
        Terms memory t = plainTerms(OWNER);
        asset(Kind.Model, "parent", t);
        asset(Kind.Model, "child", childTerms(CHILD, 1, 50_000));
        t.minChildPpm = 900_000;
        vm.prank(OWNER);
        registry.proposeTerms(1, t);
        skip(48 hours);
        vm.prank(OWNER);
        registry.proposeTerms(2, childTerms(CHILD, 1, 50_000));
        vm.expectRevert(
            abi.encodeWithSelector(
                IAttributionRegistry.RegistryParentBelowLeast.selector, uint32(1), uint32(49_999), uint32(50_000)
            )
        );
        vm.prank(OWNER);
        registry.proposeTerms(2, childTerms(CHILD, 1, 49_999));
    }

    /// A child of asset 1 whose royalty goes by sets to a part.
    function drawnTerms(uint32 ppm, uint32 dataPpm) private pure returns (Terms memory t) {
        t = childTerms(CHILD, 1, ppm);
        t.mode = AttributionMode.Operator;
        t.dataPpm = dataPpm;
    }

    function belowLeast(uint32 ppm, uint32 leastPpm) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            IAttributionRegistry.RegistryParentBelowLeast.selector, uint32(1), ppm, leastPpm
        );
    }

    function test_what_sets_may_take_is_not_given_to_a_parent() external {
        Terms memory t = plainTerms(OWNER);
        t.minChildPpm = 100_000;
        asset(Kind.Model, "parent", t);
        asset(Kind.Model, "half of twice as much", drawnTerms(200_000, 500_000));
        refuses(Kind.Model, drawnTerms(200_000, 500_001), belowLeast(99_999, 100_000));
        refuses(Kind.Model, drawnTerms(1_000_000, 1_000_000), belowLeast(0, 100_000));
        t = drawnTerms(100_000, 1_000_000);
        t.mode = AttributionMode.Fixed;
        asset(Kind.Model, "without sets", t);
    }

    function test_what_sets_left_a_parent_before_is_enough_again() external {
        Terms memory t = plainTerms(OWNER);
        asset(Kind.Model, "parent", t);
        asset(Kind.Model, "child", drawnTerms(200_000, 600_000));
        t.minChildPpm = 900_000;
        vm.prank(OWNER);
        registry.proposeTerms(1, t);
        skip(48 hours);
        vm.startPrank(OWNER);
        registry.proposeTerms(2, drawnTerms(100_000, 200_000));
        vm.expectRevert(belowLeast(79_999, 80_000));
        registry.proposeTerms(2, drawnTerms(100_000, 200_001));
        vm.expectRevert(belowLeast(79_999, 80_000));
        registry.proposeTerms(2, drawnTerms(79_999, 0));
        registry.proposeTerms(2, childTerms(CHILD, 1, 80_000));
        vm.expectRevert(belowLeast(0, 80_000));
        registry.proposeTerms(2, drawnTerms(1_000_000, 1_000_000));
        vm.stopPrank();
    }

    function testFuzz_a_parent_gets_its_least_whatever_sets_say(uint32 least, uint32 ppm, uint32 dataPpm) external {
        Terms memory t = plainTerms(OWNER);
        t.minChildPpm = least % 1_000_001;
        asset(Kind.Model, "parent", t);
        t = drawnTerms(ppm % 1_000_001, dataPpm % 1_000_001);
        uint256 certain = uint256(t.parents[0].ppm) * (1_000_000 - t.dataPpm);
        if (certain >= uint256(least % 1_000_001) * 1_000_000) asset(Kind.Model, "child", t);
        else refuses(Kind.Model, t, belowLeast(uint32(certain / 1_000_000), least % 1_000_001));
    }

    function test_lineage_can_be_added_but_not_dropped_or_reordered() external {
        asset(Kind.Model, "a", plainTerms(OWNER));
        asset(Kind.Dataset, "b", plainTerms(OWNER));
        asset(Kind.Model, "child", childTerms(CHILD, 1, 10));
        Terms memory t = plainTerms(CHILD);
        bytes4 dropped = IAttributionRegistry.RegistryParentDropped.selector;
        vm.startPrank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(dropped, 0, uint32(1)));
        registry.proposeTerms(3, t);
        t.parents = new Parent[](2);
        t.parents[0] = Parent(2, 10);
        t.parents[1] = Parent(1, 10);
        vm.expectRevert(abi.encodeWithSelector(dropped, 0, uint32(1)));
        registry.proposeTerms(3, t);
        t.parents[0] = Parent(1, 0);
        t.parents[1] = Parent(2, 10);
        registry.proposeTerms(3, t);
        vm.stopPrank();
        vm.assertEq(registry.terms(3, 2).parents.length, 2);
    }

    function test_generations_are_bounded() external {
        asset(Kind.Model, "0", plainTerms(OWNER));
        for (uint32 i = 1; i <= 8; ++i) {
            uint32 id = asset(Kind.Model, vm.toString(uint256(i)), childTerms(OWNER, i, 500_000));
            vm.assertEq(registry.asset(id).depth, i);
        }
        refuses(
            Kind.Model,
            childTerms(OWNER, 9, 1),
            abi.encodeWithSelector(IAttributionRegistry.RegistryTooDeep.selector, 9, 8)
        );
    }

    function test_the_first_version_fixes_how_deep_an_asset_is() external {
        asset(Kind.Model, "0", plainTerms(OWNER));
        asset(Kind.Model, "1", childTerms(OWNER, 1, 1));
        asset(Kind.Model, "parent", plainTerms(OWNER));
        asset(Kind.Model, "child", childTerms(CHILD, 3, 1));
        vm.expectRevert(abi.encodeWithSelector(IAttributionRegistry.RegistryTooDeep.selector, 2, 0));
        vm.prank(OWNER);
        registry.proposeTerms(3, childTerms(OWNER, 2, 1));
        Terms memory t = childTerms(CHILD, 3, 1);
        t.parents = new Parent[](2);
        (t.parents[0], t.parents[1]) = (Parent(3, 1), Parent(1, 1));
        vm.prank(OWNER);
        registry.proposeTerms(4, t);
        vm.assertEq(registry.asset(4).depth, 1);
    }

    /* DATASETS */

    function test_datasets_are_known_ascending_and_datasets() external {
        asset(Kind.Dataset, "a", plainTerms(OWNER));
        asset(Kind.Model, "b", plainTerms(OWNER));
        asset(Kind.Dataset, "c", plainTerms(OWNER));
        Terms memory t = plainTerms(OWNER);
        t.datasets = new uint32[](2);
        (t.datasets[0], t.datasets[1]) = (3, 1);
        bytes4 order = IAttributionRegistry.RegistryDatasetsNotAscending.selector;
        refuses(Kind.Model, t, abi.encodeWithSelector(order, uint32(3), uint32(1)));
        (t.datasets[0], t.datasets[1]) = (1, 1);
        refuses(Kind.Model, t, abi.encodeWithSelector(order, uint32(1), uint32(1)));
        (t.datasets[0], t.datasets[1]) = (0, 1);
        refuses(Kind.Model, t, abi.encodeWithSelector(order, uint32(0), uint32(0)));
        (t.datasets[0], t.datasets[1]) = (1, 2);
        refuses(Kind.Model, t, abi.encodeWithSelector(IAttributionRegistry.RegistryNotDataset.selector, uint32(2)));
        (t.datasets[0], t.datasets[1]) = (1, 9);
        refuses(
            Kind.Model, t, abi.encodeWithSelector(IAttributionRegistry.RegistryAssetUnknown.selector, uint32(9))
        );
        t.datasets = new uint32[](257);
        refuses(
            Kind.Model, t, abi.encodeWithSelector(IAttributionRegistry.RegistryTooMany.selector, 257, 256)
        );
        t.datasets = new uint32[](2);
        (t.datasets[0], t.datasets[1]) = (1, 3);
        uint32 id = asset(Kind.Model, "admits two", t);
        vm.assertTrue(registry.admits(id, 1, 1) && registry.admits(id, 1, 3));
        vm.assertFalse(registry.admits(id, 1, 0) || registry.admits(id, 1, 2) || registry.admits(id, 1, 4));
    }

    /* EFFECTIVE SHARES */

    function test_shares_flatten_through_two_generations() external {
        asset(Kind.Dataset, "data", plainTerms(address(0xD)));
        asset(Kind.Model, "base", childTerms(address(0xB0), 1, 250_000));
        Terms memory t = childTerms(address(0xC0), 2, 400_000);
        asset(Kind.Adapter, "adapter", t);
        EffectiveShare[] memory shares = registry.effectiveShares(3, 1);
        vm.assertEq(shares.length, 3);
        vm.assertTrue(shares[0].payee == address(0xC0) && shares[0].share == 0.6e12);
        vm.assertTrue(shares[1].payee == address(0xB0) && shares[1].share == 0.3e12);
        vm.assertTrue(shares[2].payee == address(0xD) && shares[2].share == 0.1e12);
    }

    function test_shares_are_frozen_from_the_parents_version_in_force() external {
        asset(Kind.Model, "parent", plainTerms(address(0xA1)));
        vm.prank(OWNER);
        registry.proposeTerms(1, plainTerms(address(0xA2)));
        asset(Kind.Model, "before", childTerms(CHILD, 1, 500_000));
        skip(48 hours);
        asset(Kind.Model, "after", childTerms(CHILD, 1, 500_000));
        vm.assertEq(registry.effectiveShares(2, 1)[1].payee, address(0xA1));
        vm.assertEq(registry.effectiveShares(3, 1)[1].payee, address(0xA2));
    }

    function test_an_asset_that_gives_all_away_has_no_share_of_its_own() external {
        asset(Kind.Model, "parent", plainTerms(address(0xA1)));
        asset(Kind.Model, "child", childTerms(CHILD, 1, 1_000_000));
        EffectiveShare[] memory shares = registry.effectiveShares(2, 1);
        vm.assertEq(shares.length, 1);
        vm.assertTrue(shares[0].payee == address(0xA1) && shares[0].share == 1e12);
    }

    function wideTerms(uint160 from, uint32 payees) private pure returns (Terms memory wide) {
        wide = plainTerms(OWNER);
        wide.split = new Share[](payees);
        for (uint32 i = 0; i < payees; ++i) {
            wide.split[i] = Share(address(from + i), i == 0 ? 1_000_001 - payees : 1);
        }
    }

    function test_a_parent_that_grows_too_wide_counts_as_it_did() external {
        asset(Kind.Model, "0", wideTerms(1000, 31));
        asset(Kind.Model, "1", wideTerms(2000, 31));
        Terms memory t = wideTerms(3000, 1);
        t.parents = new Parent[](2);
        (t.parents[0], t.parents[1]) = (Parent(1, 400_000), Parent(2, 400_000));
        asset(Kind.Model, "child", t);
        vm.startPrank(OWNER);
        registry.proposeTerms(1, wideTerms(1000, 32));
        registry.proposeTerms(2, wideTerms(2000, 32));
        skip(48 hours);
        registry.proposeTerms(3, t);
        vm.assertEq(registry.effectiveShares(3, 2).length, 63);
        // What it adds itself has to fit.
        t.split = wideTerms(3000, 2).split;
        registry.proposeTerms(3, t);
        vm.assertEq(registry.effectiveShares(3, 3).length, 64);
        t.split = wideTerms(3000, 3).split;
        vm.expectRevert(abi.encodeWithSelector(IAttributionRegistry.RegistryTooMany.selector, 65, 64));
        registry.proposeTerms(3, t);
        // Once they fit again, the parents count as they are.
        registry.proposeTerms(1, wideTerms(1000, 1));
        skip(48 hours);
        t.split = wideTerms(3000, 1).split;
        registry.proposeTerms(3, t);
        vm.stopPrank();
        vm.assertEq(registry.effectiveShares(3, 4).length, 34);
    }

    function test_payees_are_bounded_after_flattening() external {
        for (uint160 asset_ = 0; asset_ < 2; ++asset_) {
            asset(Kind.Model, vm.toString(uint256(asset_)), wideTerms(1000 * (asset_ + 1), 32));
        }
        Terms memory t = plainTerms(CHILD);
        t.parents = new Parent[](2);
        t.parents[0] = Parent(1, 400_000);
        t.parents[1] = Parent(2, 400_000);
        refuses(
            Kind.Model, t, abi.encodeWithSelector(IAttributionRegistry.RegistryTooMany.selector, 65, 64)
        );
        t.parents[1].ppm = 600_000;
        // Without a pot of its own, the split's payee makes no entry: 64 are left.
        vm.assertEq(registry.effectiveShares(asset(Kind.Model, "fits", t), 1).length, 64);
    }
}
