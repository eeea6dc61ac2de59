// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BatchHeader} from "../interfaces/BatchTypes.sol";
import {IAttributionRegistry} from "../interfaces/IAttributionRegistry.sol";
import {CommittedBatch, IChallenges, Opening} from "../interfaces/IChallenges.sol";
import {IOperators} from "../interfaces/IOperators.sol";
import {IReceiptLedger} from "../interfaces/IReceiptLedger.sol";
import {BatchHash} from "./libraries/BatchHash.sol";
import {BlobElements} from "./libraries/BlobElements.sol";
import {BlobOpening} from "./libraries/BlobOpening.sol";

/// @notice What all challenges stand on: the batch as it was committed, and openings of its blobs.
abstract contract ChallengeEvidence is IChallenges {
    using BlobElements for BatchHeader;
    using BlobElements for uint256;

    IReceiptLedger public immutable ledger;
    IAttributionRegistry public immutable registry;
    IOperators public immutable operators;

    constructor(IReceiptLedger ledger_, IAttributionRegistry registry_, IOperators operators_) {
        require(
            address(ledger_) != address(0) && address(registry_) != address(0) && address(operators_) != address(0),
            ChallengeAddressZero()
        );
        ledger = ledger_;
        registry = registry_;
        operators = operators_;
    }

    /// @dev The header, hashes and charges are those of the record; that the record is the ledger's is checked when the
    /// batch is voided.
    function _requireCommitted(CommittedBatch calldata batch) internal pure {
        bytes32 given = BatchHash.ofContents(batch.header, batch.versionedHashes, batch.charges);
        require(
            given == batch.record.batchCommitment,
            ChallengeCommitmentMismatch(batch.record.batchCommitment, given)
        );
    }

    function _convict(CommittedBatch calldata batch, bool guilty, bytes32 fault) internal {
        require(guilty, ChallengeInnocent());
        ledger.voidBatch(batch.batchId, batch.record, batch.header.payerCount, msg.sender, fault);
    }

    function _requireBelow(uint256 index, uint256 limit) internal pure {
        require(index < limit, ChallengeOutOfRange(index, limit));
    }

    /* OPENINGS */

    /// @dev A used element's value.
    function _open(CommittedBatch calldata batch, uint256 position, Opening calldata opening)
        internal
        view
        returns (uint256)
    {
        _requireBelow(position, batch.header.used());
        return _verify(batch, position, opening);
    }

    function _openDigest(CommittedBatch calldata batch, uint256 i, Opening calldata opening)
        internal
        view
        returns (uint256)
    {
        _requireBelow(i, batch.header.count);
        unchecked {
            return _verify(batch, 2 + 2 * i, opening);
        }
    }

    function _openReceipt(CommittedBatch calldata batch, uint256 i, Opening calldata opening)
        internal
        view
        returns (uint256)
    {
        _requireBelow(i, batch.header.count);
        unchecked {
            return _verify(batch, 3 + 2 * i, opening);
        }
    }

    /// @dev Of a position that is known to be used: the blobs are as many as the used elements fill.
    function _verify(CommittedBatch calldata batch, uint256 position, Opening calldata opening)
        private
        view
        returns (uint256)
    {
        return BlobOpening.verify(
            batch.versionedHashes[position / BlobOpening.FIELD_ELEMENTS_PER_BLOB],
            position % BlobOpening.FIELD_ELEMENTS_PER_BLOB,
            opening
        );
    }

    /// @dev B_i, and the sum of the fees before it.
    function _openFee(CommittedBatch calldata batch, uint256 i, Opening[] calldata bs)
        internal
        view
        returns (uint256 b, uint256 feesBefore)
    {
        _requireCount(bs, i == 0 ? 1 : 2);
        b = _openReceipt(batch, i, bs[0]);
        if (i != 0) feesBefore = _openReceipt(batch, i - 1, bs[1]).cumulativeFee();
    }

    /// @dev The parts of the set whose first part stands at `position`, in order. Openings that are not exactly that
    /// are refused.
    function _openSet(CommittedBatch calldata batch, uint256 position, Opening[] calldata parts)
        internal
        view
        returns (uint256[] memory values)
    {
        require(position >= batch.header.setsAt(), ChallengeNoSuchSet(position));
        require(parts.length != 0, ChallengeOpeningCount(0, 1));
        values = new uint256[](parts.length);
        for (uint256 n = 0; n < parts.length; ++n) {
            uint256 s = _open(batch, position + n, parts[n]);
            require(s.isSound() && s.part() == n, ChallengeNoSuchSet(position + n));
            require(s.parts() == parts.length, ChallengeOpeningCount(parts.length, s.parts()));
            values[n] = s;
        }
    }

    function _requireCount(Opening[] calldata openings, uint256 needed) internal pure {
        require(openings.length == needed, ChallengeOpeningCount(openings.length, needed));
    }
}
