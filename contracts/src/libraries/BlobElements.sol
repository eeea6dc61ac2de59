// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {BatchHeader} from "../../interfaces/BatchTypes.sol";

/// @title The fields of format 1's field elements
/// @notice Fields fill the low 31 bytes, big-endian, in the order of docs/spec/blob.md. Readers leave the top byte out:
/// that it is zero is a rule of its own.
library BlobElements {
    uint256 internal constant FORMAT = 1;
    uint256 internal constant LIMIT = 1 << 248;
    uint256 internal constant ENTRIES_PER_PART = 4;
    uint256 internal constant MAX_PARTS = 4;

    /* WHERE: COUNTS ARE OF 24 BITS */

    function used(BatchHeader calldata h) internal pure returns (uint256) {
        unchecked {
            return setsAt(h) + h.setFeCount;
        }
    }

    function setsAt(BatchHeader calldata h) internal pure returns (uint256) {
        unchecked {
            return payersAt(h) + h.payerCount;
        }
    }

    function payersAt(BatchHeader calldata h) internal pure returns (uint256) {
        unchecked {
            return 2 + 2 * uint256(h.count);
        }
    }

    /* HEADER */

    function laneElement(BatchHeader calldata h) internal pure returns (uint256) {
        return FORMAT << 240 | uint256(h.lane) << 224 | uint256(h.firstSeq) << 160 | uint160(h.operator);
    }

    function shapeElement(BatchHeader calldata h) internal pure returns (uint256) {
        return uint256(h.count) << 224 | uint256(h.payerCount) << 200 | uint256(h.setFeCount) << 176
            | uint256(h.totalFee) << 48 | uint256(h.blobCount) << 40 | h.baseTime;
    }

    /* B: RECEIPTS */

    function seqOffset(uint256 b) internal pure returns (uint256) {
        return uint32(b >> 216);
    }

    function payerIndex(uint256 b) internal pure returns (uint256) {
        return uint24(b >> 192);
    }

    function assetId(uint256 b) internal pure returns (uint32) {
        return uint32(b >> 160);
    }

    function attributionSet(uint256 b) internal pure returns (uint256) {
        return uint32(b >> 128);
    }

    function cumulativeFee(uint256 b) internal pure returns (uint256) {
        return uint64(b >> 64);
    }

    function inputUnits(uint256 b) internal pure returns (uint256) {
        return uint24(b >> 40);
    }

    function outputUnits(uint256 b) internal pure returns (uint256) {
        return uint24(b >> 16);
    }

    function timeOffset(uint256 b) internal pure returns (uint256) {
        return uint16(b);
    }

    /* P: PAYERS */

    function payer(uint256 p) internal pure returns (address) {
        return address(uint160(p >> 88));
    }

    function payerTotal(uint256 p) internal pure returns (uint256) {
        return uint64(p >> 24);
    }

    function lastIndex(uint256 p) internal pure returns (uint256) {
        return uint24(p);
    }

    /* S: PARTS OF SETS */

    function part(uint256 s) internal pure returns (uint256) {
        return uint8(s >> 240);
    }

    function parts(uint256 s) internal pure returns (uint256) {
        return uint8(s >> 232);
    }

    /// An entry's 7 bytes: assetId u32, ppm u24. The index is below ENTRIES_PER_PART.
    function entry(uint256 s, uint256 index) internal pure returns (uint256) {
        unchecked {
            return uint56(s >> (168 - 56 * index));
        }
    }

    function ppm(uint256 entry_) internal pure returns (uint256) {
        return uint24(entry_);
    }

    function dataset(uint256 entry_) internal pure returns (uint32) {
        return uint32(entry_ >> 24);
    }

    /// Of all entries, used or not.
    function ppmSum(uint256 s) internal pure returns (uint256) {
        unchecked {
            return ppm(s >> 168) + ppm(s >> 112) + ppm(s >> 56) + ppm(s);
        }
    }

    /// How many entries are used, counted from the first; one is when its ppm is not zero.
    function entryCount(uint256 s) internal pure returns (uint256 count) {
        unchecked {
            while (count < ENTRIES_PER_PART && ppm(entry(s, count)) != 0) ++count;
        }
    }

    /// Whether S_k by itself keeps to the form: zero byte, part below parts, at most 4; used entries first, at least
    /// one, ascending; unused ones all zero; only the last part may have unused ones.
    function isSound(uint256 s) internal pure returns (bool) {
        if (uint8(s >> 224) != 0 || part(s) >= parts(s) || parts(s) > MAX_PARTS) return false;
        uint256 count = entryCount(s);
        unchecked {
            if (count == 0 || (count < ENTRIES_PER_PART && part(s) + 1 < parts(s))) return false;
            for (uint256 e = 1; e < count; ++e) {
                if (dataset(entry(s, e)) <= dataset(entry(s, e - 1))) return false;
            }
            // What stands after the last used entry; nothing if all are used.
            return uint256(uint224(s)) << (32 + 56 * count) == 0;
        }
    }
}
