// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

/// @notice One answer of a model, as its operator signs it (EIP-712, domain of the ReceiptLedger).
struct InferenceReceipt {
    address operator;
    uint16 lane;
    /// Gapless within (operator, lane), from 0.
    uint64 seq;
    address payer;
    /// The adapter that served, or the model where none did.
    uint32 assetId;
    bytes32 requestHash;
    bytes32 responseHash;
    uint24 inputUnits;
    uint24 outputUnits;
    uint64 feeUnits;
    /// Zero if the receipt carries no attribution set.
    bytes32 attributionHash;
    uint40 startedAt;
    uint32 durationMs;
}
