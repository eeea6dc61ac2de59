// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BatchHeader, Charge} from "../interfaces/BatchTypes.sol";
import {IAttributionRegistry, Kind} from "../interfaces/IAttributionRegistry.sol";
import {CommittedBatch, Opening} from "../interfaces/IChallenges.sol";
import {IFormatChallenges} from "../interfaces/IFormatChallenges.sol";
import {IOperators} from "../interfaces/IOperators.sol";
import {IReceiptLedger} from "../interfaces/IReceiptLedger.sol";
import {ChallengeEvidence} from "./ChallengeEvidence.sol";
import {SetChallenges} from "./SetChallenges.sol";
import {BlobElements} from "./libraries/BlobElements.sol";
import {CLOCK_TOLERANCE} from "./Windows.sol";

/// @notice Faults of a batch against its own header and charges.
contract FormatChallenges is SetChallenges {
    using BlobElements for BatchHeader;
    using BlobElements for uint256;

    constructor(IReceiptLedger ledger_, IAttributionRegistry registry_, IOperators operators_)
        ChallengeEvidence(ledger_, registry_, operators_)
    {}

    /// @inheritdoc IFormatChallenges
    function challengeHeader(CommittedBatch calldata batch, uint256 position, Opening calldata opening) external {
        _requireCommitted(batch);
        _requireBelow(position, 2);
        uint256 expected = position == 0 ? batch.header.laneElement() : batch.header.shapeElement();
        _convict(batch, _open(batch, position, opening) != expected, "header_differs_from_commitment");
    }

    /// @inheritdoc IFormatChallenges
    function challengeElement(CommittedBatch calldata batch, uint256 position, Opening calldata opening) external {
        _requireCommitted(batch);
        _convict(batch, _open(batch, position, opening) >= BlobElements.LIMIT, "element_out_of_range");
    }

    /// @inheritdoc IFormatChallenges
    function challengeCharge(CommittedBatch calldata batch, uint256 p, Opening calldata opening) external {
        _requireCommitted(batch);
        uint256 value = _openPayer(batch, p, opening);
        Charge calldata charge = batch.charges[p];
        bool differs = value.payer() != charge.payer || value.payerTotal() != charge.amount;
        _convict(
            batch,
            differs || value.lastIndex() >= batch.header.count,
            differs ? bytes32("payer_differs_from_charge") : bytes32("payer_last_index")
        );
    }

    /// @inheritdoc IFormatChallenges
    function challengeReceipt(CommittedBatch calldata batch, uint256 i, Opening calldata opening) external {
        _requireCommitted(batch);
        bytes32 fault = _faultOf(batch, i, _openReceipt(batch, i, opening));
        _convict(batch, fault != 0, fault);
    }

    /// @inheritdoc IFormatChallenges
    function challengeNeighbours(
        CommittedBatch calldata batch,
        uint256 i,
        Opening calldata b,
        Opening calldata next
    ) external {
        _requireCommitted(batch);
        bytes32 fault = _faultBetween(_openReceipt(batch, i, b), _openReceipt(batch, i + 1, next));
        _convict(batch, fault != 0, fault);
    }

    /// @inheritdoc IFormatChallenges
    function challengePayerTotal(
        CommittedBatch calldata batch,
        uint256 i,
        Opening calldata b,
        Opening calldata next
    ) external {
        _requireCommitted(batch);
        uint256 value = _openReceipt(batch, i, b);
        uint256 p = value.payerIndex();
        require(_openReceipt(batch, i + 1, next).payerIndex() == p + 1, ChallengeInnocent());
        _requireBelow(p, batch.charges.length);
        uint256 prefix = 0;
        for (uint256 q = 0; q <= p; ++q) {
            prefix += batch.charges[q].amount;
        }
        _convict(batch, value.cumulativeFee() != prefix, "payer_total");
    }

    /// @inheritdoc IFormatChallenges
    function challengePayerLast(
        CommittedBatch calldata batch,
        uint256 p,
        Opening calldata payer,
        uint256 i,
        Opening calldata b
    ) external {
        _requireCommitted(batch);
        uint256 last = _openPayer(batch, p, payer).lastIndex();
        bool isThePayers = _openReceipt(batch, i, b).payerIndex() == p;
        _convict(batch, i == last ? !isThePayers : i == last + 1 && isThePayers, "payer_last_index");
    }

    /// @inheritdoc IFormatChallenges
    function challengeDuplicate(
        CommittedBatch calldata batch,
        uint256 i,
        uint256 j,
        Opening calldata bOfI,
        Opening calldata bOfJ
    ) external {
        _requireCommitted(batch);
        bool same = _openReceipt(batch, i, bOfI).seqOffset() == _openReceipt(batch, j, bOfJ).seqOffset();
        _convict(batch, i != j && same, "seq_duplicate");
    }

    /* INTERNAL */

    function _openPayer(CommittedBatch calldata batch, uint256 p, Opening calldata opening)
        private
        view
        returns (uint256)
    {
        _requireBelow(p, batch.header.payerCount);
        return _open(batch, batch.header.payersAt() + p, opening);
    }

    function _faultOf(CommittedBatch calldata batch, uint256 i, uint256 b) private view returns (bytes32) {
        BatchHeader calldata h = batch.header;
        uint256 p = b.payerIndex();
        if (b.seqOffset() >= h.count) return "seq_offset_out_of_range";
        if (p >= h.payerCount || (i == 0 && p != 0)) return "payer_index_out_of_range";
        if (i == uint256(h.count) - 1) {
            if (p != uint256(h.payerCount) - 1) return "payer_index_out_of_range";
            if (b.cumulativeFee() != h.totalFee) return "cumulative_fee_total";
        }
        uint40 latest = batch.record.firstCommittedAt;
        if (h.baseTime + b.timeOffset() > latest + CLOCK_TOLERANCE) return "started_after_commit";
        return _faultOfAsset(b.assetId(), latest);
    }

    function _faultOfAsset(uint32 assetId, uint40 firstCommittedAt) private view returns (bytes32) {
        Kind kind = registry.kindBy(assetId, firstCommittedAt);
        if (kind == Kind.None) return "asset_unknown";
        return kind == Kind.Dataset ? bytes32("asset_is_dataset") : bytes32(0);
    }

    function _faultBetween(uint256 b, uint256 next) private pure returns (bytes32) {
        uint256 p = b.payerIndex();
        uint256 q = next.payerIndex();
        if (q < p || q > p + 1) return "payer_order";
        if (q == p && next.seqOffset() <= b.seqOffset()) return "seq_order";
        return next.cumulativeFee() < b.cumulativeFee() ? bytes32("cumulative_fee_falls") : bytes32(0);
    }
}
