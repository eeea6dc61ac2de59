// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {AttributionMode, IAttributionRegistry, Kind, Terms} from "../interfaces/IAttributionRegistry.sol";
import {Registrant} from "./Registrant.sol";

/// What a child has to give to its parents.
contract TermsVersionsLeastTest is Registrant {
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
        return abi.encodeWithSelector(IAttributionRegistry.RegistryParentBelowLeast.selector, uint32(1), ppm, leastPpm);
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
}
