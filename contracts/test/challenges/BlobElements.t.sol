// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {BlobElements} from "../../src/libraries/BlobElements.sol";
import {Vm} from "../Vm.sol";

/// @notice Parts of sets, read as docs/spec/blob.md writes them: byte for byte, against the library's shifts.
contract BlobElementsTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    struct Entry {
        uint256 dataset;
        uint256 ppm;
    }

    function number(bytes32 word, uint256 from, uint256 size) private pure returns (uint256 value) {
        for (uint256 n = 0; n < size; ++n) {
            value = value * 256 + uint8(word[from + n]);
        }
    }

    function read(bytes32 word) private pure returns (Entry[4] memory entries) {
        for (uint256 e = 0; e < 4; ++e) {
            entries[e] = Entry(number(word, 4 + 7 * e, 4), number(word, 8 + 7 * e, 3));
        }
    }

    function sound(bytes32 word) private pure returns (bool) {
        (uint256 part, uint256 parts) = (number(word, 1, 1), number(word, 2, 1));
        Entry[4] memory entries = read(word);
        uint256 used = 0;
        while (used < 4 && entries[used].ppm != 0) ++used;
        for (uint256 e = used; e < 4; ++e) {
            if (entries[e].dataset != 0 || entries[e].ppm != 0) return false;
        }
        for (uint256 e = 1; e < used; ++e) {
            if (entries[e].dataset <= entries[e - 1].dataset) return false;
        }
        return number(word, 3, 1) == 0 && parts >= 1 && parts <= 4 && part < parts && used != 0
            && (used == 4 || part == parts - 1);
    }

    function check(uint256 s) private pure {
        Entry[4] memory entries = read(bytes32(s));
        uint256 sum = 0;
        for (uint256 e = 0; e < 4; ++e) {
            uint256 entry = BlobElements.entry(s, e);
            vm.assertEq(BlobElements.ppm(entry), entries[e].ppm);
            vm.assertEq(BlobElements.dataset(entry), entries[e].dataset);
            sum += entries[e].ppm;
        }
        vm.assertEq(BlobElements.ppmSum(s), sum);
        vm.assertEq(BlobElements.isSound(s), sound(bytes32(s)));
    }

    function testFuzz_any_word_is_read_as_it_is_written(uint256 s) external pure {
        check(s);
    }

    /// Words that are nearly sound: few parts, small datasets, and one field spoiled or none.
    function testFuzz_a_part_is_sound_by_the_specification(uint256 seed, uint8 used, uint8 where, uint8 byte_)
        external
        pure
    {
        uint256 parts = 1 + seed % 4;
        uint256 s = (seed >> 8) % parts << 240 | parts << 232;
        uint256 dataset = 0;
        for (uint256 e = 0; e < used % 5; ++e) {
            dataset += 1 + (seed >> (16 + 8 * e)) % 3;
            s |= (dataset << 24 | (1 + (seed >> (64 + 16 * e)) % 400_000)) << (168 - 56 * e);
        }
        check(s);
        check(s ^ uint256(byte_) << (8 * (where % 32)));
    }
}
