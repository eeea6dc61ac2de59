// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {BatchHeader, BatchRecord, Charge} from "../../interfaces/BatchTypes.sol";

/// @title The hashes that a batch is remembered by, taken from calldata as it lies there
/// @notice keccak256(abi.encode(…)) for a fifth of its gas: what is hashed is in the calldata word for word already, and is
/// copied whole instead of field by field.
/// @dev For comparing only. Calldata with stray bits above a field hashes to something else than the fields, so it never
/// equals a hash that was stored; storing such a hash would make a batch that nobody can name.
library BatchHash {
    // 12, 11 and 2 words. (Assembly takes nothing but plain numbers.)
    uint256 private constant RECORD_BYTES = 384;
    uint256 private constant HEADER_BYTES = 352;
    uint256 private constant CHARGE_BYTES = 64;
    // Where a record's status and reserve stand in its encoding, and BatchStatus.Voided.
    uint256 private constant STATUS_AT = 0;
    uint256 private constant RESERVE_AT = 192;
    uint256 private constant VOIDED = 2;

    /// @notice keccak256(abi.encode(record)).
    function ofRecord(BatchRecord calldata record) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let at := mload(0x40)
            calldatacopy(at, record, RECORD_BYTES)
            hash := keccak256(at, RECORD_BYTES)
        }
    }

    /// @notice The same record's hash once it is voided: with status Voided and reserve 0.
    function ofVoided(BatchRecord calldata record) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let at := mload(0x40)
            calldatacopy(at, record, RECORD_BYTES)
            mstore(add(at, STATUS_AT), VOIDED)
            mstore(add(at, RESERVE_AT), 0)
            hash := keccak256(at, RECORD_BYTES)
        }
    }

    /// @notice keccak256(abi.encode(header, versionedHashes, charges)).
    function ofContents(
        BatchHeader calldata header,
        bytes32[] calldata versionedHashes,
        Charge[] calldata charges
    ) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let at := mload(0x40)
            calldatacopy(at, header, HEADER_BYTES)
            // Two offsets, then each list with its length before it.
            let lists := add(HEADER_BYTES, 64)
            let hashBytes := shl(5, versionedHashes.length)
            mstore(add(at, HEADER_BYTES), lists)
            mstore(add(add(at, HEADER_BYTES), 32), add(add(lists, 32), hashBytes))
            let to := add(at, lists)
            mstore(to, versionedHashes.length)
            calldatacopy(add(to, 32), versionedHashes.offset, hashBytes)
            to := add(add(to, 32), hashBytes)
            mstore(to, charges.length)
            let chargeBytes := mul(CHARGE_BYTES, charges.length)
            calldatacopy(add(to, 32), charges.offset, chargeBytes)
            hash := keccak256(at, sub(add(add(to, 32), chargeBytes), at))
        }
    }
}
