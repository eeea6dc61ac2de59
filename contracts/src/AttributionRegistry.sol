// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Asset, IAttributionRegistry, Kind, Terms} from "../interfaces/IAttributionRegistry.sol";
import {TermsVersions} from "./TermsVersions.sol";
import {COMMIT_MAX_AGE, COMMIT_MIN_AGE, TERMS_NOTICE} from "./Windows.sol";

contract AttributionRegistry is TermsVersions {
    mapping(bytes32 commitment => uint40) public committedAt;
    mapping(bytes32 contentHash => uint32) public assetIdOf;

    constructor(uint32 maxRoyaltyPpm) TermsVersions(maxRoyaltyPpm) {}

    /* REGISTRATION */

    /// @inheritdoc IAttributionRegistry
    function commit(bytes32 commitment) external {
        uint40 expiresAt = committedAt[commitment] + COMMIT_MAX_AGE;
        require(block.timestamp > expiresAt, RegistryCommitmentPending(commitment, expiresAt));
        committedAt[commitment] = uint40(block.timestamp);
        emit AssetCommitted(commitment, msg.sender);
    }

    /// @inheritdoc IAttributionRegistry
    function register(
        Kind kind,
        bytes32 contentHash,
        bytes32 salt,
        string calldata uri,
        Terms calldata terms_
    ) external returns (uint32 assetId) {
        require(kind != Kind.None, RegistryKindInvalid(kind));
        require(contentHash != 0, RegistryContentZero());
        _reveal(keccak256(abi.encode(msg.sender, kind, contentHash, salt)));
        uint32 holder = assetIdOf[contentHash];
        require(holder == 0, RegistryContentTaken(contentHash, holder));

        assetId = ++assetCount;
        assetIdOf[contentHash] = assetId;
        _assets[assetId].kind = kind;
        _assets[assetId].owner = msg.sender;
        _assets[assetId].contentHash = contentHash;
        emit AssetRegistered(assetId, kind, contentHash, msg.sender, uri);
        _addVersion(assetId, terms_, uint40(block.timestamp));
    }

    /// @inheritdoc IAttributionRegistry
    function proposeTerms(uint32 assetId, Terms calldata terms_) external returns (uint32 version) {
        _requireOwner(assetId);
        return _addVersion(assetId, terms_, uint40(block.timestamp) + TERMS_NOTICE);
    }

    /* OWNERSHIP */

    /// @inheritdoc IAttributionRegistry
    function transferOwnership(uint32 assetId, address to) external {
        _requireOwner(assetId);
        _assets[assetId].pendingOwner = to;
        emit OwnershipTransferStarted(assetId, msg.sender, to);
    }

    /// @inheritdoc IAttributionRegistry
    function acceptOwnership(uint32 assetId) external {
        Asset storage asset_ = _requireAsset(assetId);
        require(
            msg.sender == asset_.pendingOwner,
            RegistryNotPendingOwner(assetId, msg.sender, asset_.pendingOwner)
        );
        address from = asset_.owner;
        asset_.owner = msg.sender;
        delete asset_.pendingOwner;
        emit OwnershipTransferred(assetId, from, msg.sender);
    }

    function _reveal(bytes32 commitment) private {
        uint40 since = committedAt[commitment];
        require(since != 0, RegistryCommitmentUnknown(commitment));
        require(
            block.timestamp >= since + COMMIT_MIN_AGE, RegistryCommitmentTooYoung(commitment, since + COMMIT_MIN_AGE)
        );
        require(
            block.timestamp <= since + COMMIT_MAX_AGE, RegistryCommitmentExpired(commitment, since + COMMIT_MAX_AGE)
        );
        delete committedAt[commitment];
    }

    function _requireOwner(uint32 assetId) private view {
        address owner = _requireAsset(assetId).owner;
        require(msg.sender == owner, RegistryNotOwner(assetId, msg.sender, owner));
    }
}
