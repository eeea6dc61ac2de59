// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {EffectiveShare, Parent, Share} from "../interfaces/IAttributionRegistry.sol";
import {EffectiveShares} from "../src/libraries/EffectiveShares.sol";
import {Vm} from "./Vm.sol";

contract EffectiveSharesTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// Any parts that sum to `whole`, none zero, drawn from a seed.
    function parts(uint256 seed, uint256 count, uint256 whole) private pure returns (uint256[] memory drawn) {
        drawn = new uint256[](count);
        uint256 left = whole - count;
        for (uint256 i = 0; i + 1 < count; ++i) {
            uint256 part = uint256(keccak256(abi.encode(seed, i))) % (left + 1);
            drawn[i] = part + 1;
            left -= part;
        }
        drawn[count - 1] = left + 1;
    }

    function split(uint256 seed, uint256 count) private pure returns (Share[] memory shares) {
        uint256[] memory ppm = parts(seed, count, 1_000_000);
        shares = new Share[](count);
        for (uint256 i = 0; i < count; ++i) {
            shares[i] = Share(address(uint160(1 + uint256(keccak256(abi.encode(seed, "payee", i))) % 12)), uint32(ppm[i]));
        }
    }

    function ancestor(uint256 seed, uint256 count) private pure returns (EffectiveShare[] memory shares) {
        uint256[] memory drawn = parts(seed, count, 1e12);
        shares = new EffectiveShare[](count);
        for (uint256 i = 0; i < count; ++i) {
            shares[i] = EffectiveShare(address(uint160(5 + i)), uint64(drawn[i]));
        }
    }

    function testFuzz_shares_sum_to_one_and_no_payee_stands_twice(uint256 seed, uint8 splits, uint8 parents_)
        external
        pure
    {
        uint256 parents = parents_ % 6;
        Parent[] memory list = new Parent[](parents);
        EffectiveShare[][] memory ancestors = new EffectiveShare[][](parents);
        uint256 left = 1_000_000;
        for (uint256 j = 0; j < parents; ++j) {
            uint256 ppm = uint256(keccak256(abi.encode(seed, "ppm", j))) % (left + 1);
            left -= ppm;
            list[j] = Parent(uint32(j + 1), uint32(ppm));
            ancestors[j] = ancestor(uint256(keccak256(abi.encode(seed, j))), 1 + (seed >> j) % 9);
        }
        (EffectiveShare[] memory flat, bool fits) = EffectiveShares.flatten(split(seed, 1 + splits % 8), list, ancestors);
        vm.assertTrue(fits);
        uint256 sum = 0;
        for (uint256 i = 0; i < flat.length; ++i) {
            sum += flat[i].share;
            vm.assertTrue(flat[i].share != 0, "an empty entry");
            for (uint256 k = 0; k < i; ++k) {
                vm.assertTrue(flat[i].payee != flat[k].payee, "a payee twice");
            }
        }
        vm.assertEq(sum, 1e12);
    }

    function test_the_remainder_of_a_parents_pot_goes_to_its_first_payee() external pure {
        EffectiveShare[][] memory ancestors = new EffectiveShare[][](1);
        ancestors[0] = new EffectiveShare[](3);
        ancestors[0][0] = EffectiveShare(address(7), 333_333_333_334);
        ancestors[0][1] = EffectiveShare(address(8), 333_333_333_333);
        ancestors[0][2] = EffectiveShare(address(9), 333_333_333_333);
        Parent[] memory parents = new Parent[](1);
        parents[0] = Parent(1, 1);
        Share[] memory own = new Share[](1);
        own[0] = Share(address(6), 1_000_000);
        (EffectiveShare[] memory flat,) = EffectiveShares.flatten(own, parents, ancestors);
        vm.assertEq(flat[0].share, 1e12 - 1e6);
        vm.assertEq(flat[1].share, 333_334);
        vm.assertEq(flat[2].share, 333_333);
        vm.assertEq(flat[3].share, 333_333);
    }
}
