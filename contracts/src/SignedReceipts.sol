// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {CommittedBatch} from "../interfaces/IChallenges.sol";
import {InferenceReceipt} from "../interfaces/InferenceReceipt.sol";
import {IReceiptChallenges} from "../interfaces/IReceiptChallenges.sol";
import {ChallengeEvidence} from "./ChallengeEvidence.sol";
import {KEY_TESTIMONY} from "./Windows.sol";

/// @notice Evidence that an operator signed itself.
abstract contract SignedReceipts is ChallengeEvidence, IReceiptChallenges {
    /// @dev The digest of a receipt that a key of the batch's lane signed: one that was active at any time in the
    /// KEY_TESTIMONY before the batch's first commit, so that revoking it before an altered batch is no way out.
    function _requireSigned(
        CommittedBatch calldata batch,
        InferenceReceipt calldata receipt,
        bytes calldata signature
    ) internal view returns (bytes32 digest) {
        uint40 until = batch.record.firstCommittedAt;
        digest = ledger.receiptDigest(receipt);
        _requireKey(
            batch.header.operator, batch.header.lane, digest, signature, until - KEY_TESTIMONY, until
        );
    }

    function _requireKey(
        address operator,
        uint16 lane,
        bytes32 digest,
        bytes calldata signature,
        uint40 from,
        uint40 to
    ) internal view {
        address signer = ECDSA.recoverCalldata(digest, signature);
        require(operators.keyActiveIn(operator, lane, signer, from, to), ChallengeSignerUnknown(signer));
    }
}
