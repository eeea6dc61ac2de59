// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IReceiptLedger} from "../interfaces/IReceiptLedger.sol";
import {ICrossDomainMessenger} from "../interfaces/optimism/ICrossDomainMessenger.sol";

/// @notice What the L1 inbox has told this L2 about blobs.
abstract contract BlobAttestations is IReceiptLedger {
    /// An L1 contract's deposit arrives from its address plus this (Optimism's AddressAliasHelper).
    uint160 private constant ALIAS_OFFSET = uint160(0x1111000000000000000000000000000000001111);

    address public immutable inbox;
    address public immutable messenger;

    mapping(bytes32 postHash => uint40) public attestedAt;

    constructor(address inbox_, address messenger_) {
        require(inbox_ != address(0), LedgerAddressZero());
        inbox = inbox_;
        messenger = messenger_;
    }

    /// @inheritdoc IReceiptLedger
    function attest(bytes32[] calldata postHashes, uint40[] calldata l1Times) external {
        require(_isInbox(), LedgerNotInbox(msg.sender));
        require(postHashes.length == l1Times.length, LedgerLengthMismatch(postHashes.length, l1Times.length));
        for (uint256 i = 0; i < postHashes.length; ++i) {
            if (l1Times[i] <= attestedAt[postHashes[i]]) continue;
            attestedAt[postHashes[i]] = l1Times[i];
            emit BlobsAttested(postHashes[i], l1Times[i]);
        }
    }

    function _isInbox() private view returns (bool) {
        if (messenger == address(0)) {
            unchecked {
                // Aliasing wraps around on L1's side too.
                return msg.sender == address(uint160(inbox) + ALIAS_OFFSET);
            }
        }
        return msg.sender == messenger && ICrossDomainMessenger(messenger).xDomainMessageSender() == inbox;
    }
}
