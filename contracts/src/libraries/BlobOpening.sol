// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IChallenges, Opening} from "../../interfaces/IChallenges.sol";

/// @title Field elements of a blob, proven by KZG openings (EIP-4844)
/// @notice Element `index` of a blob is its polynomial's value at z = ω^reversed(index), ω being the scalar field's
/// 4096th root of unity. z is always derived here, never taken from the prover.
library BlobOpening {
    uint256 internal constant FIELD_ELEMENTS_PER_BLOB = 4096;
    /// The scalar field of BLS12-381.
    uint256 internal constant MODULUS = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    /// 7^((MODULUS − 1) / 4096) mod MODULUS.
    uint256 internal constant ROOT_OF_UNITY = 0x564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306;

    /// Addresses of precompiles.
    uint256 private constant MODEXP = 0x05;
    uint256 private constant POINT_EVALUATION = 0x0A;

    /// @notice The element's value, whatever its size. Reverts unless the opening proves it.
    /// @dev The precompile itself requires that the commitment hashes to the versioned hash, and a proof of the right
    /// length. Its answer is checked as well: where there is no such precompile, a call of it succeeds with nothing.
    function verify(bytes32 versionedHash, uint256 index, Opening calldata opening)
        internal
        view
        returns (uint256)
    {
        uint256 z = point(index);
        bytes32 value = opening.value;
        bytes calldata proof = opening.commitmentAndProof;
        bool holds;
        assembly ("memory-safe") {
            let at := mload(0x40)
            mstore(at, versionedHash)
            mstore(add(at, 32), z)
            mstore(add(at, 64), value)
            calldatacopy(add(at, 96), proof.offset, proof.length)
            // The answer, two words, goes to the scratch space.
            holds := staticcall(gas(), POINT_EVALUATION, at, add(96, proof.length), 0, 64)
            holds := and(holds, eq(returndatasize(), 64))
            holds := and(holds, and(eq(mload(0), FIELD_ELEMENTS_PER_BLOB), eq(mload(32), MODULUS)))
        }
        require(holds, IChallenges.ChallengeOpeningInvalid(versionedHash, index));
        return uint256(value);
    }

    /// @notice Where a blob's polynomial takes the value of element `index`, which is below 4096.
    function point(uint256 index) internal view returns (uint256 z) {
        uint256 exponent = reversed(index);
        bool answered;
        assembly ("memory-safe") {
            // Lengths of base, exponent and modulus, and these.
            let at := mload(0x40)
            mstore(at, 32)
            mstore(add(at, 32), 32)
            mstore(add(at, 64), 32)
            mstore(add(at, 96), ROOT_OF_UNITY)
            mstore(add(at, 128), exponent)
            mstore(add(at, 160), MODULUS)
            answered := staticcall(gas(), MODEXP, at, 192, 0, 32)
            answered := and(answered, eq(returndatasize(), 32))
            z := mload(0)
        }
        // Every chain has had MODEXP since Byzantium.
        assert(answered);
    }

    /// @notice The 12 bits of an index in reverse.
    function reversed(uint256 index) internal pure returns (uint256 bits) {
        bits = ((index & 0x555) << 1) | ((index >> 1) & 0x555);
        bits = ((bits & 0x333) << 2) | ((bits >> 2) & 0x333);
        // Three groups of four bits; the outer two change places.
        bits = ((bits & 0x00f) << 8) | (bits & 0x0f0) | (bits >> 8);
    }
}
