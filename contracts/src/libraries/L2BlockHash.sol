// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IRoyaltyDistributor} from "../../interfaces/IRoyaltyDistributor.sol";

/// @title Past block hashes, as far back as the chain remembers them
library L2BlockHash {
    /// EIP-2935's history contract: the last 8191 hashes, on chains that have it.
    address internal constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;

    /// @notice Reverts if the block is not past, or if the chain knows its hash and it is another one.
    function check(uint64 number, bytes32 hash) internal view {
        require(number < block.number, IRoyaltyDistributor.DistributorBlockNotPast(number, block.number));
        bytes32 found = find(number);
        require(
            found == 0 || found == hash, IRoyaltyDistributor.DistributorBlockHash(number, hash, found)
        );
    }

    /// @notice The hash, or zero where neither BLOCKHASH nor the history contract knows it.
    function find(uint64 number) internal view returns (bytes32 hash) {
        hash = blockhash(number);
        if (hash != 0) return hash;
        (bool success, bytes memory answer) = HISTORY.staticcall(abi.encode(number));
        if (success && answer.length == 32) hash = abi.decode(answer, (bytes32));
    }
}
