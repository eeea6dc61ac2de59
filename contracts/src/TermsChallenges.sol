// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BatchHeader} from "../interfaces/BatchTypes.sol";
import {AttributionMode} from "../interfaces/IAttributionRegistry.sol";
import {CommittedBatch, IChallenges, Opening} from "../interfaces/IChallenges.sol";
import {Price} from "../interfaces/IOperators.sol";
import {ChallengeEvidence} from "./ChallengeEvidence.sol";
import {BlobElements} from "./libraries/BlobElements.sol";
import {PPM} from "./Windows.sol";

/// @notice Faults of a batch against published prices and terms, and of its attribution sets.
abstract contract TermsChallenges is ChallengeEvidence {
    using BlobElements for BatchHeader;
    using BlobElements for uint256;

    uint256 private constant UNITS_PER_PRICE = 1000;

    /// @inheritdoc IChallenges
    function challengePrice(CommittedBatch calldata batch, uint256 i, Opening[] calldata bs) external {
        _requireCommitted(batch);
        (uint256 b, uint256 before) = _openFee(batch, i, bs);
        uint40 time = _termsTime(batch, b);
        Price memory price = operators.priceAt(batch.header.operator, b.assetId(), time);
        bool otherPrice = before + _fee(b, price.inputPrice, price.outputPrice) != b.cumulativeFee();
        _convict(
            batch,
            otherPrice || _isBelowFloor(b, before, time),
            otherPrice ? bytes32("fee_differs_from_price") : bytes32("fee_below_floor")
        );
    }

    /// @inheritdoc IChallenges
    function challengeSetPart(CommittedBatch calldata batch, uint256 k, Opening calldata opening) external {
        _requireCommitted(batch);
        uint256 s = _openPart(batch, k, opening);
        bool begins = k != 0 || s.part() == 0;
        bool ends = k + 1 != batch.header.setFeCount || s.part() + 1 == s.parts();
        _convict(batch, !(s.isSound() && begins && ends), "set_malformed");
    }

    /// @inheritdoc IChallenges
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

    /// @inheritdoc IChallenges
    function challengeSetSum(CommittedBatch calldata batch, uint256 k, Opening[] calldata parts) external {
        _requireCommitted(batch);
        _requireBelow(k, batch.header.setFeCount);
        uint256[] memory values = _openSet(batch, batch.header.setsAt() + k, parts);
        uint256 sum = 0;
        for (uint256 n = 0; n < values.length; ++n) {
            for (uint256 e = 0; e < BlobElements.ENTRIES_PER_PART; ++e) {
                sum += values[n].entry(e).ppm();
            }
        }
        _convict(batch, sum != PPM, "set_malformed");
    }

    /// @inheritdoc IChallenges
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

    /// @inheritdoc IChallenges
    function challengeAdmission(
        CommittedBatch calldata batch,
        uint256 i,
        Opening calldata b,
        uint256 part,
        uint256 entry,
        Opening[] calldata parts
    ) external {
        _requireCommitted(batch);
        uint256 value = _openReceipt(batch, i, b);
        uint256 position = value.attributionSet();
        require(position != 0, ChallengeInnocent());
        uint32 version = registry.termsVersionAt(value.assetId(), _termsTime(batch, value));
        (,, AttributionMode mode,) = registry.termsRules(value.assetId(), version);
        if (mode == AttributionMode.Fixed) return _convict(batch, true, "set_in_fixed_mode");
        _requireCount(parts, 1);
        _requireBelow(part, BlobElements.MAX_PARTS);
        _requireBelow(entry, BlobElements.ENTRIES_PER_PART);
        require(position >= batch.header.setsAt(), ChallengeNoSuchSet(position));
        // Parts are numbered from 0 in each set, so this number at this distance is of the set pointed at.
        uint256 s = _open(batch, position + part, parts[0]);
        require(s.part() == part, ChallengeNoSuchSet(position + part));
        uint256 share = s.entry(entry);
        bool stray = share.ppm() != 0 && share.dataset() != 0
            && !registry.admits(value.assetId(), version, share.dataset());
        _convict(batch, stray, "set_not_admitted");
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

    function _isBelowFloor(uint256 b, uint256 before, uint40 time) private view returns (bool) {
        uint32 version = registry.termsVersionAt(b.assetId(), time);
        (uint64 inputFloor, uint64 outputFloor,,) = registry.termsRules(b.assetId(), version);
        return before + _fee(b, inputFloor, outputFloor) > b.cumulativeFee();
    }

    /// @dev Rounded up once per receipt.
    function _fee(uint256 b, uint256 inputPrice, uint256 outputPrice) private pure returns (uint256) {
        uint256 product = b.inputUnits() * inputPrice + b.outputUnits() * outputPrice;
        return (product + UNITS_PER_PRICE - 1) / UNITS_PER_PRICE;
    }
}
