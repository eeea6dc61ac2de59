// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {EffectiveShare, IAttributionRegistry, Kind, Parent, Share, Terms} from "../interfaces/IAttributionRegistry.sol";
import {Registrant} from "./Registrant.sol";

/// Whose an asset's royalty is in the end, its parents' parts included.
contract TermsVersionsSharesTest is Registrant {
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
        refuses(Kind.Model, t, abi.encodeWithSelector(IAttributionRegistry.RegistryTooMany.selector, 65, 64));
        t.parents[1].ppm = 600_000;
        // Without a pot of its own, the split's payee makes no entry: 64 are left.
        vm.assertEq(registry.effectiveShares(asset(Kind.Model, "fits", t), 1).length, 64);
    }
}
