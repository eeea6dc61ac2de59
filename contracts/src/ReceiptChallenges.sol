// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BatchHeader} from "../interfaces/BatchTypes.sol";
import {IAttributionRegistry} from "../interfaces/IAttributionRegistry.sol";
import {CommittedBatch, Opening} from "../interfaces/IChallenges.sol";
import {InferenceReceipt} from "../interfaces/InferenceReceipt.sol";
import {IOperators} from "../interfaces/IOperators.sol";
import {IReceiptChallenges} from "../interfaces/IReceiptChallenges.sol";
import {IReceiptLedger} from "../interfaces/IReceiptLedger.sol";
import {ChallengeEvidence} from "./ChallengeEvidence.sol";
import {TermsChallenges} from "./TermsChallenges.sol";
import {UnpostedPenalties} from "./UnpostedPenalties.sol";
import {BlobElements} from "./libraries/BlobElements.sol";

/// @notice Faults of a batch against the receipts that its operator signed.
contract ReceiptChallenges is TermsChallenges, UnpostedPenalties {
    using BlobElements for uint256;

    constructor(IReceiptLedger ledger_, IAttributionRegistry registry_, IOperators operators_)
        ChallengeEvidence(ledger_, registry_, operators_)
    {}

    /// @inheritdoc IReceiptChallenges
    function challengeAltered(
        CommittedBatch calldata batch,
        InferenceReceipt calldata receipt,
        bytes calldata signature,
        uint256 i,
        Opening calldata a,
        Opening calldata b
    ) external {
        _requireCommitted(batch);
        bytes32 digest = _requireSigned(batch, receipt, signature);
        BatchHeader calldata h = batch.header;
        uint256 value = _openReceipt(batch, i, b);
        bool isIts = receipt.operator == h.operator && receipt.lane == h.lane
            && receipt.seq == h.firstSeq + value.seqOffset();
        require(isIts, ChallengeOtherReceipt(digest));
        _convict(batch, _openDigest(batch, i, a) != uint256(digest) >> 8, "receipt_altered");
    }

    /// @inheritdoc IReceiptChallenges
    function challengeField(
        CommittedBatch calldata batch,
        InferenceReceipt calldata receipt,
        bytes calldata signature,
        uint256 i,
        Opening calldata a,
        Opening calldata b
    ) external {
        _requirePosted(batch, receipt, signature, i, a);
        _convict(batch, _differs(batch, receipt, _openReceipt(batch, i, b)), "receipt_field_differs");
    }

    /// @inheritdoc IReceiptChallenges
    function challengeSignedFee(
        CommittedBatch calldata batch,
        InferenceReceipt calldata receipt,
        bytes calldata signature,
        uint256 i,
        Opening calldata a,
        Opening[] calldata bs
    ) external {
        _requirePosted(batch, receipt, signature, i, a);
        (uint256 b, uint256 before) = _openFee(batch, i, bs);
        _convict(batch, before + receipt.feeUnits != b.cumulativeFee(), "receipt_fee_differs");
    }

    /// @inheritdoc IReceiptChallenges
    function challengeSignedSet(
        CommittedBatch calldata batch,
        InferenceReceipt calldata receipt,
        bytes calldata signature,
        uint256 i,
        Opening calldata a,
        Opening calldata b,
        Opening[] calldata parts
    ) external {
        _requirePosted(batch, receipt, signature, i, a);
        uint256 position = _openReceipt(batch, i, b).attributionSet();
        _convict(
            batch, _setHash(_openSet(batch, position, parts)) != receipt.attributionHash, "receipt_set_differs"
        );
    }

    /* INTERNAL */

    /// @dev The receipt was signed, and its digest stands at A_i.
    function _requirePosted(
        CommittedBatch calldata batch,
        InferenceReceipt calldata receipt,
        bytes calldata signature,
        uint256 i,
        Opening calldata a
    ) private view {
        _requireCommitted(batch);
        bytes32 digest = _requireSigned(batch, receipt, signature);
        require(_openDigest(batch, i, a) == uint256(digest) >> 8, ChallengeOtherReceipt(digest));
    }

    function _differs(CommittedBatch calldata batch, InferenceReceipt calldata r, uint256 b)
        private
        pure
        returns (bool)
    {
        BatchHeader calldata h = batch.header;
        if (r.operator != h.operator || r.lane != h.lane || r.seq != h.firstSeq + b.seqOffset()) return true;
        uint256 p = b.payerIndex();
        if (p >= batch.charges.length || r.payer != batch.charges[p].payer || r.assetId != b.assetId()) return true;
        if (r.inputUnits != b.inputUnits() || r.outputUnits != b.outputUnits()) return true;
        return r.startedAt != h.baseTime + b.timeOffset()
            || (r.attributionHash == 0) != (b.attributionSet() == 0);
    }

    /// @dev keccak256 over the used entries of all parts, 7 bytes each.
    function _setHash(uint256[] memory values) private pure returns (bytes32) {
        bytes memory entries;
        for (uint256 n = 0; n < values.length; ++n) {
            uint256 count = values[n].entryCount();
            for (uint256 e = 0; e < count; ++e) {
                entries = bytes.concat(entries, bytes7(uint56(values[n].entry(e))));
            }
        }
        return keccak256(entries);
    }
}
