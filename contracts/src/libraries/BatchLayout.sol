// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {BatchHeader} from "../../interfaces/BatchTypes.sol";
import {IReceiptLedger} from "../../interfaces/IReceiptLedger.sol";

/// @title Blob format 1, as far as a header shows it
/// @notice Two header elements, two for each receipt, one for each payer, then the attribution sets.
library BatchLayout {
    uint256 internal constant MAX_BLOBS = 6;
    uint256 internal constant FIELD_ELEMENTS_PER_BLOB = 4096;
    /// Bounds the work of a commit; a batch with more payers is cut in two.
    uint256 internal constant MAX_PAYERS = 1024;
    /// First byte of a KZG versioned hash (EIP-4844).
    bytes1 internal constant KZG_VERSION = 0x01;

    /// @notice Reverts unless counts, layout and versioned hashes agree.
    function check(BatchHeader calldata header, bytes32[] calldata versionedHashes, uint256 charges)
        internal
        pure
    {
        require(header.count != 0, IReceiptLedger.LedgerNoReceipts());
        uint256 limit = header.count < MAX_PAYERS ? header.count : MAX_PAYERS;
        require(
            header.payerCount != 0 && header.payerCount <= limit && header.payerCount == charges,
            IReceiptLedger.LedgerPayerCount(header.payerCount, charges, limit)
        );
        uint256 blobs = header.blobCount;
        require(
            blobs != 0 && blobs <= MAX_BLOBS && blobs == versionedHashes.length,
            IReceiptLedger.LedgerBlobCount(blobs, versionedHashes.length, MAX_BLOBS)
        );
        uint256 used = 2 + 2 * uint256(header.count) + header.payerCount + header.setFeCount;
        require(
            used <= blobs * FIELD_ELEMENTS_PER_BLOB && used > (blobs - 1) * FIELD_ELEMENTS_PER_BLOB,
            IReceiptLedger.LedgerLayout(used, blobs)
        );
        for (uint256 i = 0; i < versionedHashes.length; ++i) {
            require(
                versionedHashes[i][0] == KZG_VERSION,
                IReceiptLedger.LedgerVersionByte(i, versionedHashes[i])
            );
        }
    }
}
