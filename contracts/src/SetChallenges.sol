// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BatchHeader} from "../interfaces/BatchTypes.sol";
import {CommittedBatch, Opening} from "../interfaces/IChallenges.sol";
import {IFormatChallenges} from "../interfaces/IFormatChallenges.sol";
import {ChallengeEvidence} from "./ChallengeEvidence.sol";
import {BlobElements} from "./libraries/BlobElements.sol";
import {PPM} from "./Windows.sol";

/// @notice Faults in the form of a batch's attribution sets.
abstract contract SetChallenges is ChallengeEvidence, IFormatChallenges {
    using BlobElements for BatchHeader;
    using BlobElements for uint256;

    /// @inheritdoc IFormatChallenges
    function challengeSetPart(CommittedBatch calldata batch, uint256 k, Opening calldata opening) external {
        _requireCommitted(batch);
        uint256 s = _openPart(batch, k, opening);
        bool begins = k != 0 || s.part() == 0;
        bool ends = k + 1 != batch.header.setFeCount || s.part() + 1 == s.parts();
        _convict(batch, !(s.isSound() && begins && ends), "set_malformed");
    }

    /// @inheritdoc IFormatChallenges
    function challengeSetNeighbours(
        CommittedBatch calldata batch,
        uint256 k,
        Opening calldata part,
        Opening calldata next
    ) external {
        _requireCommitted(batch);
        uint256 s = _openPart(batch, k, part);
        uint256 t = _openPart(batch, k + 1, next);
        bool together = s.part() + 1 >= s.parts()
            ? t.part() == 0
            : t.part() == s.part() + 1 && t.parts() == s.parts()
                && t.entry(0).dataset() > s.entry(BlobElements.ENTRIES_PER_PART - 1).dataset();
        _convict(batch, !together, "set_malformed");
    }

    /// @inheritdoc IFormatChallenges
    function challengeSetSum(CommittedBatch calldata batch, uint256 k, Opening[] calldata parts) external {
        _requireCommitted(batch);
        _requireBelow(k, batch.header.setFeCount);
        uint256[] memory values = _openSet(batch, batch.header.setsAt() + k, parts);
        uint256 sum = 0;
        for (uint256 n = 0; n < values.length; ++n) {
            sum += values[n].ppmSum();
        }
        _convict(batch, sum != PPM, "set_malformed");
    }

    /// @inheritdoc IFormatChallenges
    function challengeSetPointer(
        CommittedBatch calldata batch,
        uint256 i,
        Opening calldata b,
        Opening[] calldata parts
    ) external {
        _requireCommitted(batch);
        uint256 position = _openReceipt(batch, i, b).attributionSet();
        require(position != 0, ChallengeInnocent());
        bool guilty = position < batch.header.setsAt() || position >= batch.header.used();
        if (!guilty) {
            _requireCount(parts, 1);
            guilty = _open(batch, position, parts[0]).part() != 0;
        }
        _convict(batch, guilty, "set_pointer");
    }

    /* INTERNAL */

    function _openPart(CommittedBatch calldata batch, uint256 k, Opening calldata opening)
        private
        view
        returns (uint256)
    {
        _requireBelow(k, batch.header.setFeCount);
        return _open(batch, batch.header.setsAt() + k, opening);
    }
}
