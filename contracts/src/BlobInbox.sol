// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBlobInbox} from "../interfaces/IBlobInbox.sol";
import {IReceiptLedger} from "../interfaces/IReceiptLedger.sol";
import {ICrossDomainMessenger} from "../interfaces/optimism/ICrossDomainMessenger.sol";
import {IOptimismPortal} from "../interfaces/optimism/IOptimismPortal.sol";

contract BlobInbox is IBlobInbox {
    /// L2 gas of a deposit: what `attest` needs, with room. Through the messenger it is the minimum for the call.
    uint64 public constant BASE_GAS = 40_000;
    uint64 public constant GAS_PER_POST = 30_000;
    uint256 public constant MAX_RELAY = 64;

    /// ReceiptLedger on L2.
    address public immutable ledger;
    /// One of the two is set: the portal is the cheap way, the messenger the one whose failed calls can be replayed.
    IOptimismPortal public immutable portal;
    ICrossDomainMessenger public immutable messenger;

    mapping(bytes32 postHash => uint40) public queuedAt;

    constructor(address ledger_, IOptimismPortal portal_, ICrossDomainMessenger messenger_) {
        require(ledger_ != address(0), InboxAddressZero());
        require((address(portal_) == address(0)) != (address(messenger_) == address(0)), InboxAddressZero());
        ledger = ledger_;
        portal = portal_;
        messenger = messenger_;
    }

    /// @inheritdoc IBlobInbox
    function postBlobs() external returns (bytes32 postHash) {
        postHash = _recordBlobs();
        bytes32[] memory postHashes = new bytes32[](1);
        uint40[] memory l1Times = new uint40[](1);
        postHashes[0] = postHash;
        l1Times[0] = uint40(block.timestamp);
        _deposit(postHashes, l1Times);
    }

    /// @inheritdoc IBlobInbox
    function queueBlobs() external returns (bytes32 postHash) {
        postHash = _recordBlobs();
        queuedAt[postHash] = uint40(block.timestamp);
    }

    /// @inheritdoc IBlobInbox
    function relay(bytes32[] calldata postHashes) external {
        require(postHashes.length != 0, InboxNothingToRelay());
        require(postHashes.length <= MAX_RELAY, InboxTooManyPosts(postHashes.length, MAX_RELAY));
        uint40[] memory l1Times = new uint40[](postHashes.length);
        for (uint256 i = 0; i < postHashes.length; ++i) {
            l1Times[i] = queuedAt[postHashes[i]];
            require(l1Times[i] != 0, InboxPostUnknown(postHashes[i]));
        }
        emit BlobsRelayed(postHashes, l1Times);
        _deposit(postHashes, l1Times);
    }

    function _recordBlobs() private returns (bytes32 postHash) {
        uint256 count = 0;
        while (blobhash(count) != 0) ++count;
        require(count != 0, InboxNoBlobs());
        bytes32[] memory versionedHashes = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            versionedHashes[i] = blobhash(i);
        }
        postHash = keccak256(abi.encodePacked(versionedHashes));
        emit BlobsPosted(postHash, msg.sender, uint40(block.timestamp), versionedHashes);
    }

    function _deposit(bytes32[] memory postHashes, uint40[] memory l1Times) private {
        bytes memory call = abi.encodeCall(IReceiptLedger.attest, (postHashes, l1Times));
        uint64 gasLimit = BASE_GAS + GAS_PER_POST * uint64(postHashes.length);
        if (address(portal) != address(0)) {
            portal.depositTransaction(ledger, 0, gasLimit, false, call);
        } else {
            messenger.sendMessage(ledger, call, uint32(gasLimit));
        }
    }
}
