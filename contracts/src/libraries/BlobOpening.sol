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

    address private constant MODEXP = address(0x05);
    address private constant POINT_EVALUATION = address(0x0A);

    /// @notice The element's value, whatever its size. Reverts unless the opening proves it.
    /// @dev The precompile itself requires that the commitment hashes to the versioned hash, and a proof of the right
    /// length. Its answer is checked as well: where there is no such precompile, a call of it succeeds with nothing.
    function verify(bytes32 versionedHash, uint256 index, Opening calldata opening)
        internal
        view
        returns (uint256)
    {
        (bool success, bytes memory answer) = POINT_EVALUATION.staticcall(
            abi.encodePacked(versionedHash, point(index), opening.value, opening.commitmentAndProof)
        );
        require(
            success && keccak256(answer) == keccak256(abi.encode(FIELD_ELEMENTS_PER_BLOB, MODULUS)),
            IChallenges.ChallengeOpeningInvalid(versionedHash, index)
        );
        return uint256(opening.value);
    }

    /// @notice Where a blob's polynomial takes the value of element `index`, which is below 4096.
    function point(uint256 index) internal view returns (uint256 z) {
        (, bytes memory answer) =
            MODEXP.staticcall(abi.encode(32, 32, 32, ROOT_OF_UNITY, reversed(index), MODULUS));
        z = abi.decode(answer, (uint256));
    }

    /// @notice The 12 bits of an index in reverse.
    function reversed(uint256 index) internal pure returns (uint256 bits) {
        bits = ((index & 0x555) << 1) | ((index >> 1) & 0x555);
        bits = ((bits & 0x333) << 2) | ((bits >> 2) & 0x333);
        // Three groups of four bits; the outer two change places.
        bits = ((bits & 0x00f) << 8) | (bits & 0x0f0) | (bits >> 8);
    }
}
