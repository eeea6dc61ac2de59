// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IAttributionRegistry, Kind, Parent, Share, Terms} from "../interfaces/IAttributionRegistry.sol";
import {Registrant} from "./Registrant.sol";

contract TermsVersionsTest is Registrant {
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
        refuses(Kind.Model, t, abi.encodeWithSelector(IAttributionRegistry.RegistryTooMany.selector, 33, 32));
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
        refuses(Kind.Model, t, abi.encodeWithSelector(IAttributionRegistry.RegistryParentRepeated.selector, uint32(1)));
        t.parents[1] = Parent(2, 400_001);
        refuses(
            Kind.Model,
            t,
            abi.encodeWithSelector(IAttributionRegistry.RegistryPpmTooHigh.selector, 1_000_001, 1_000_000)
        );
        t.parents = new Parent[](17);
        refuses(Kind.Model, t, abi.encodeWithSelector(IAttributionRegistry.RegistryTooMany.selector, 17, 16));
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
        refuses(Kind.Adapter, t, abi.encodeWithSelector(IAttributionRegistry.RegistryModelParents.selector, 2));
        t.parents[1] = Parent(3, 1);
        asset(Kind.Adapter, "one model, one dataset", t);
        // A merged model may descend from several.
        t.parents[1] = Parent(2, 1);
        asset(Kind.Model, "merged", t);
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
        refuses(Kind.Model, t, abi.encodeWithSelector(IAttributionRegistry.RegistryAssetUnknown.selector, uint32(9)));
        t.datasets = new uint32[](257);
        refuses(Kind.Model, t, abi.encodeWithSelector(IAttributionRegistry.RegistryTooMany.selector, 257, 256));
        t.datasets = new uint32[](2);
        (t.datasets[0], t.datasets[1]) = (1, 3);
        uint32 id = asset(Kind.Model, "admits two", t);
        vm.assertTrue(registry.admits(id, 1, 1) && registry.admits(id, 1, 3));
        vm.assertFalse(registry.admits(id, 1, 0) || registry.admits(id, 1, 2) || registry.admits(id, 1, 4));
    }
}
