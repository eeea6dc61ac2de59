// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BatchHeader} from "../interfaces/BatchTypes.sol";
import {AttributionMode} from "../interfaces/IAttributionRegistry.sol";
import {CommittedBatch, Opening} from "../interfaces/IChallenges.sol";
import {Price} from "../interfaces/IOperators.sol";
import {IReceiptChallenges} from "../interfaces/IReceiptChallenges.sol";
import {ChallengeEvidence} from "./ChallengeEvidence.sol";
import {BlobElements} from "./libraries/BlobElements.sol";

/// @notice Faults of a batch against published prices and terms, and by which sets the terms admit.
abstract contract TermsChallenges is ChallengeEvidence, IReceiptChallenges {
    using BlobElements for BatchHeader;
    using BlobElements for uint256;

    uint256 private constant UNITS_PER_PRICE = 1000;

    /// @inheritdoc IReceiptChallenges
    function challengePrice(CommittedBatch calldata batch, uint256 i, Opening[] calldata bs) external {
        _requireCommitted(batch);
        (uint256 b, uint256 before) = _openFee(batch, i, bs);
        Price memory price = operators.priceAt(batch.header.operator, b.assetId(), _termsTime(batch, b));
        uint256 due = before + _fee(b, price.inputPrice, price.outputPrice);
        _convict(batch, due != b.cumulativeFee(), "fee_differs_from_price");
    }

    /// @inheritdoc IReceiptChallenges
    function challengeFloor(CommittedBatch calldata batch, uint256 i, Opening[] calldata bs) external {
        _requireCommitted(batch);
        (uint256 b, uint256 before) = _openFee(batch, i, bs);
        (, uint64 inputFloor, uint64 outputFloor,) = registry.rulesFor(b.assetId(), _termsTime(batch, b));
        _convict(batch, before + _fee(b, inputFloor, outputFloor) > b.cumulativeFee(), "fee_below_floor");
    }

    /// @inheritdoc IReceiptChallenges
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
        (uint32 version,,, AttributionMode mode) = registry.rulesFor(value.assetId(), _termsTime(batch, value));
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

    /// @dev Rounded up once per receipt. Units of 24 bits times prices of 64: nothing here comes near a word's end.
    function _fee(uint256 b, uint64 inputPrice, uint64 outputPrice) private pure returns (uint256) {
        unchecked {
            uint256 product = b.inputUnits() * inputPrice + b.outputUnits() * outputPrice;
            return (product + UNITS_PER_PRICE - 1) / UNITS_PER_PRICE;
        }
    }

    /// @dev When terms and prices are read for a receipt: its start, clamped to [termsFrom, first commit].
    function _termsTime(CommittedBatch calldata batch, uint256 b) private pure returns (uint40) {
        uint256 startedAt = batch.header.baseTime + b.timeOffset();
        if (startedAt > batch.record.firstCommittedAt) return batch.record.firstCommittedAt;
        return startedAt < batch.record.termsFrom ? batch.record.termsFrom : uint40(startedAt);
    }
}
