// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {EffectiveShare, Parent, Share} from "../../interfaces/IAttributionRegistry.sol";
import {PPM} from "../Windows.sol";

/// @title The rule by which an asset's royalty is divided among everyone it descends from
/// @notice Integers only, in units of 1e-12; the result sums to exactly 1e12.
library EffectiveShares {
    uint256 internal constant SHARE_ONE = 1e12;
    uint256 internal constant MAX_EFFECTIVE_SHARES = 64;

    struct Accumulator {
        EffectiveShare[] entries;
        uint256 count;
        bool overflown;
    }

    /// @notice Flattens one level: the parents' shares are flat already.
    /// @param ancestors The effective shares of each parent, in the order of `parents`.
    /// @return fits False if there are more than MAX_EFFECTIVE_SHARES payees; the shares then mean nothing.
    function flatten(Share[] memory split, Parent[] memory parents, EffectiveShare[][] memory ancestors)
        internal
        pure
        returns (EffectiveShare[] memory, bool fits)
    {
        Accumulator memory acc = Accumulator(new EffectiveShare[](MAX_EFFECTIVE_SHARES), 0, false);
        _addSplit(acc, split, parents);
        for (uint256 j = 0; j < parents.length; ++j) {
            _addParent(acc, parents[j].ppm, ancestors[j]);
        }
        return (_trim(acc), !acc.overflown);
    }

    /// @dev 1e12 / 1e6 is whole, so neither the pots nor these products are ever rounded.
    function _addSplit(Accumulator memory acc, Share[] memory split, Parent[] memory parents) private pure {
        uint256 ownPpm = PPM;
        for (uint256 j = 0; j < parents.length; ++j) {
            ownPpm -= parents[j].ppm;
        }
        for (uint256 i = 0; i < split.length; ++i) {
            _add(acc, split[i].payee, ownPpm * split[i].ppm);
        }
    }

    /// @dev The first payee gets what the floors of the others leave: its own floor and the remainder.
    function _addParent(Accumulator memory acc, uint256 ppm, EffectiveShare[] memory shares) private pure {
        uint256 first = ppm * (SHARE_ONE / PPM);
        for (uint256 i = 1; i < shares.length; ++i) {
            first -= shares[i].share * ppm / PPM;
        }
        _add(acc, shares[0].payee, first);
        for (uint256 i = 1; i < shares.length; ++i) {
            _add(acc, shares[i].payee, shares[i].share * ppm / PPM);
        }
    }

    function _add(Accumulator memory acc, address payee, uint256 amount) private pure {
        if (amount == 0) return;
        for (uint256 i = 0; i < acc.count; ++i) {
            if (acc.entries[i].payee == payee) {
                acc.entries[i].share += uint64(amount);
                return;
            }
        }
        if (acc.count == MAX_EFFECTIVE_SHARES) {
            acc.overflown = true;
            return;
        }
        acc.entries[acc.count++] = EffectiveShare(payee, uint64(amount));
    }

    function _trim(Accumulator memory acc) private pure returns (EffectiveShare[] memory entries) {
        entries = acc.entries;
        uint256 count = acc.count;
        // Shortening a memory array in place: the entries beyond are never read again.
        assembly ("memory-safe") {
            mstore(entries, count)
        }
    }
}
