// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IChallenges, Opening} from "../../interfaces/IChallenges.sol";
import {BlobOpening} from "../../src/libraries/BlobOpening.sol";
import {Vm} from "../Vm.sol";

/// @notice Openings of a real blob, made by c-kzg, against the real precompile.
contract BlobOpeningTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    string private json;
    bytes32 private versionedHash;

    function setUp() external {
        json = vm.readFile("tests/vectors/openings.json");
        versionedHash = vm.parseJsonBytes32(json, ".versionedHash");
    }

    function verify(bytes32 hash, uint256 index, Opening calldata opening) external view returns (uint256) {
        return BlobOpening.verify(hash, index, opening);
    }

    function read(uint256 n) private view returns (uint256 index, uint256 z, Opening memory opening) {
        string memory path = string.concat(".openings[", vm.toString(n), "]");
        index = vm.parseJsonUint(json, string.concat(path, ".index"));
        z = uint256(vm.parseJsonBytes32(json, string.concat(path, ".z")));
        opening.value = vm.parseJsonBytes32(json, string.concat(path, ".value"));
        opening.commitmentAndProof = vm.parseJsonBytes(json, string.concat(path, ".commitmentAndProof"));
    }

    function refuse(bytes32 hash, uint256 index, Opening memory opening) private {
        vm.expectRevert(abi.encodeWithSelector(IChallenges.ChallengeOpeningInvalid.selector, hash, index));
        // The precompile burns what it is given when it refuses.
        this.verify{gas: 300_000}(hash, index, opening);
    }

    function test_real_openings_hold_at_their_own_index_whatever_the_values_size() external view {
        uint256 largest = 0;
        uint256 n = 0;
        for (; vm.keyExistsJson(json, string.concat(".openings[", vm.toString(n), "]")); ++n) {
            (uint256 index, uint256 z, Opening memory opening) = read(n);
            vm.assertEq(BlobOpening.point(index), z);
            uint256 value = this.verify(versionedHash, index, opening);
            vm.assertEq(value, uint256(opening.value));
            if (value > largest) largest = value;
        }
        vm.assertGe(n, 6);
        vm.assertGe(largest, 1 << 248);
    }

    function test_nothing_else_holds() external {
        (uint256 index,, Opening memory opening) = read(2);
        refuse(versionedHash, index + 1, opening);
        refuse(versionedHash ^ bytes32(uint256(1)), index, opening);
        bytes memory right = opening.commitmentAndProof;
        opening.commitmentAndProof = bytes.concat(right, hex"00");
        refuse(versionedHash, index, opening);
        opening.commitmentAndProof = "";
        refuse(versionedHash, index, opening);
        opening.commitmentAndProof = right;
        opening.value ^= bytes32(uint256(1));
        refuse(versionedHash, index, opening);
    }

    function test_a_chain_without_the_precompile_proves_nothing() external {
        (uint256 index,, Opening memory opening) = read(2);
        // In place of chains without it, or with another one there: this one has the real precompile.
        vm.mockCall(address(0x0A), "", "");
        refuse(versionedHash, index, opening);
        vm.mockCall(address(0x0A), "", abi.encode(4096, BlobOpening.MODULUS - 1));
        refuse(versionedHash, index, opening);
        vm.mockCall(address(0x0A), "", abi.encode(4095, BlobOpening.MODULUS));
        refuse(versionedHash, index, opening);
        vm.mockCall(address(0x0A), "", abi.encode(4096, BlobOpening.MODULUS, 0));
        refuse(versionedHash, index, opening);
    }

    function test_a_chain_without_modexp_proves_nothing() external {
        (uint256 index,, Opening memory opening) = read(2);
        vm.mockCall(address(0x05), "", ""); // in place of such a chain
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 1));
        this.verify(versionedHash, index, opening);
    }

    function test_all_4096_points_are_different_roots_of_unity() external view {
        for (uint256 index = 0; index < 4096; index += 61) {
            vm.assertEq(BlobOpening.reversed(BlobOpening.reversed(index)), index);
        }
        vm.assertEq(BlobOpening.point(0), 1);
        vm.assertEq(BlobOpening.point(1), BlobOpening.MODULUS - 1);
    }
}
