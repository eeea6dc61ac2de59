// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {BatchHeader, BatchRecord, Charge} from "./BatchTypes.sol";
import {IAttributionRegistry} from "./IAttributionRegistry.sol";
import {IOperators} from "./IOperators.sol";
import {IReceiptLedger} from "./IReceiptLedger.sol";

/// @notice A batch as its newest commit's event tells it. Everything is checked against the ledger's hash.
struct CommittedBatch {
    uint64 batchId;
    BatchRecord record;
    BatchHeader header;
    bytes32[] versionedHashes;
    Charge[] charges;
}

/// @notice Proof that a field element has a value. Where it stands is the function's to say: the point is derived from
/// the position on chain.
struct Opening {
    bytes32 value;
    /// KZG commitment and proof laid end to end, 48 bytes each.
    bytes commitmentAndProof;
}

/// @title What all contracts that hear fraud proofs have in common
/// @notice Whoever shows a fault of an open batch voids it: the payers' money can be pulled back, the bond that the
/// batch held is taken, SLASH_REWARD_PPM of it for the challenger. An honest batch can't be voided by any of them,
/// whatever the arguments.
/// @dev Positions count field elements over the whole batch: A_i = 2 + 2i, B_i = 3 + 2i, P_p = 2 + 2·count + p, S_k = 2 +
/// 2·count + payerCount + k (docs/spec/blob.md). All challenges require that the batch is open, that `batch` is what was
/// committed, and that every opening is valid; they revert with ChallengeInnocent if what is shown is no fault.
/// The names of faults are those of the indexer's findings.
interface IChallenges {
    error ChallengeAddressZero();
    /// @dev What was shown is as it should be.
    error ChallengeInnocent();
    error ChallengeCommitmentMismatch(bytes32 committed, bytes32 given);
    error ChallengeOutOfRange(uint256 index, uint256 limit);
    error ChallengeOpeningCount(uint256 openings, uint256 needed);
    error ChallengeOpeningInvalid(bytes32 versionedHash, uint256 index);
    /// @dev The openings are of something that has a fault of its own, or of no set at all; challenge that.
    error ChallengeNoSuchSet(uint256 position);

    function ledger() external view returns (IReceiptLedger);
    function registry() external view returns (IAttributionRegistry);
    function operators() external view returns (IOperators);
}
