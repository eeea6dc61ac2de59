// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

/// @notice The part of Optimism's OptimismPortal that makes a deposit. A contract's deposit arrives on L2 from its
/// aliased address.
interface IOptimismPortal {
    function depositTransaction(address to, uint256 value, uint64 gasLimit, bool isCreation, bytes calldata data)
        external
        payable;
}
