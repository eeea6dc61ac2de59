// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

/// @notice The part of Optimism's cross-domain messengers (L1 and L2) that sends a message and names its sender.
interface ICrossDomainMessenger {
    function sendMessage(address target, bytes calldata message, uint32 minGasLimit) external payable;

    function xDomainMessageSender() external view returns (address);
}
