// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {InferenceReceipt} from "../../interfaces/InferenceReceipt.sol";

/// @title EIP-712 struct hash of a receipt
library ReceiptHash {
    bytes32 internal constant TYPEHASH = keccak256(
        "InferenceReceipt(address operator,uint16 lane,uint64 seq,address payer,uint32 assetId,bytes32 requestHash,bytes32 responseHash,uint24 inputUnits,uint24 outputUnits,uint64 feeUnits,bytes32 attributionHash,uint40 startedAt,uint32 durationMs)"
    );

    function structHash(InferenceReceipt calldata receipt) internal pure returns (bytes32) {
        // Every member is a static type of one word: the struct's encoding is the members' encodings in a row.
        return keccak256(abi.encode(TYPEHASH, receipt));
    }
}
