// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IContributorLists} from "./IContributorLists.sol";

enum Kind {
    None,
    Model,
    Adapter,
    Dataset
}

/// @notice Whose word decides how a receipt's data share is divided. Fixed: the terms' weights only, and every
/// receipt's attributionHash must be zero. Operator: the receipt may carry an attribution set.
enum AttributionMode {
    Fixed,
    Operator
}

/// @notice A payee and its part, in parts per million.
struct Share {
    address payee;
    uint32 ppm;
}

/// @notice An asset that this one descends from, and the part of this asset's royalty that goes to it.
struct Parent {
    uint32 assetId;
    uint32 ppm;
}

/// @notice A payee and its part of an asset's royalty with all ancestors resolved, in units of 1e-12.
struct EffectiveShare {
    address payee;
    uint64 share;
}

struct Terms {
    /// Part of each fee that is royalty.
    uint32 royaltyPpm;
    /// Part of the royalty that goes by a receipt's attribution set.
    uint32 dataPpm;
    /// The least part of a child's royalty that must come to this asset whatever receipts' sets say.
    uint32 minChildPpm;
    /// Least price per 1000 input units that an operator may charge, in base units of the token.
    uint64 floorInputPrice;
    /// Least price per 1000 output units.
    uint64 floorOutputPrice;
    AttributionMode mode;
    /// Owners' own part; payees not zero, ppm not zero, sum exactly 1,000,000. A payee may stand for a complete list of
    /// contributors (IContributorLists).
    Share[] split;
    /// Ancestors; what they do not take (1,000,000 − Σ ppm) is divided by `split`.
    Parent[] parents;
    /// Datasets that an attribution set may name, strictly ascending.
    uint32[] datasets;
}

struct Asset {
    Kind kind;
    /// Greatest number of steps to an ancestor without parents, fixed by version 1: later parents lie no deeper.
    uint8 depth;
    /// Number of terms versions; the newest may not be in force yet.
    uint32 versionCount;
    address owner;
    address pendingOwner;
    bytes32 contentHash;
}

/// @title Who made what, and how a fee is to be divided
/// @notice Registers models, adapters and datasets by the hash of their content, and their money rules in versions.
/// An asset is its content: new weights are a new asset. The first to register a content hash owns it for good (or
/// until the ownership is handed on); commit–reveal keeps a watcher of the mempool from being first.
/// @dev Warning: nothing here proves that the registrant made the content, or that the lineage it states is complete.
/// Warning: the graph has no cycle because a parent's id is always lower than its child's.
interface IAttributionRegistry is IContributorLists {
    event AssetCommitted(bytes32 indexed commitment, address indexed registrant);
    event AssetRegistered(
        uint32 indexed assetId, Kind kind, bytes32 indexed contentHash, address indexed owner, string uri
    );
    /// @dev Carries the whole version, so that the graph and all shares can be recomputed from logs alone.
    event TermsRegistered(
        uint32 indexed assetId,
        uint32 indexed version,
        uint40 effectiveAt,
        Terms terms,
        EffectiveShare[] effectiveShares
    );
    event OwnershipTransferStarted(uint32 indexed assetId, address indexed from, address indexed to);
    event OwnershipTransferred(uint32 indexed assetId, address indexed from, address indexed to);

    error RegistryRoyaltyLimitTooHigh(uint32 maxRoyaltyPpm);
    error RegistryCommitmentPending(bytes32 commitment, uint40 expiresAt);
    error RegistryCommitmentUnknown(bytes32 commitment);
    error RegistryCommitmentTooYoung(bytes32 commitment, uint40 validFrom);
    error RegistryCommitmentExpired(bytes32 commitment, uint40 expiredAt);
    error RegistryContentTaken(bytes32 contentHash, uint32 assetId);
    error RegistryContentZero();
    error RegistryKindInvalid(Kind kind);
    error RegistryAssetUnknown(uint32 assetId);
    error RegistryVersionUnknown(uint32 assetId, uint32 version);
    error RegistryNotOwner(uint32 assetId, address caller, address owner);
    error RegistryNotPendingOwner(uint32 assetId, address caller, address pendingOwner);
    error RegistryPpmTooHigh(uint256 ppm, uint256 limit);
    error RegistrySplitSum(uint256 sumPpm);
    error RegistrySplitEmptyEntry(uint256 position);
    error RegistryTooMany(uint256 count, uint256 limit);
    error RegistryTooDeep(uint256 depth, uint256 limit);
    error RegistryParentNotOlder(uint32 assetId, uint32 parentId);
    error RegistryParentRepeated(uint32 parentId);
    /// @param ppm What the parent would get of the royalty whatever sets say, rounded down.
    /// @param leastPpm What it must get, rounded up.
    error RegistryParentBelowLeast(uint32 parentId, uint32 ppm, uint32 leastPpm);
    error RegistryParentDropped(uint256 position, uint32 expectedId);
    error RegistryModelParents(uint256 count);
    error RegistryDatasetsNotAscending(uint32 previousId, uint32 datasetId);
    error RegistryNotDataset(uint32 assetId);

    /// @notice Announces a registration without saying of what.
    /// @dev Anyone may commit anything: the registrant is inside the hash, so a copied commitment helps nobody.
    /// Requires that the same commitment is not waiting already (an expired one may be renewed).
    /// @param commitment keccak256(abi.encode(address registrant, uint8 kind, bytes32 contentHash, bytes32 salt)).
    function commit(bytes32 commitment) external;

    /// @notice Registers an asset with version 1 of its terms, in force at once. The caller becomes the owner.
    /// @dev Requires a commitment of the caller's between COMMIT_MIN_AGE and COMMIT_MAX_AGE old, a content hash that
    /// nobody registered, and valid terms (see `proposeTerms`).
    /// @param uri Where the content or its description is; never read on chain.
    /// @return assetId Sequential, from 1.
    function register(Kind kind, bytes32 contentHash, bytes32 salt, string calldata uri, Terms calldata terms)
        external
        returns (uint32 assetId);

    /// @notice Adds the next version of an asset's terms, in force after TERMS_NOTICE.
    /// @dev Effective shares are computed now, from the parents' versions in force in this block, and never change.
    /// Requires the owner; royaltyPpm ≤ MAX_ROYALTY_PPM; dataPpm and minChildPpm ≤ 1,000,000; a split of 1 …
    /// MAX_SPLIT entries that sums to 1,000,000, none of which stands for an incomplete list of contributors; at most
    /// MAX_PARENTS parents, all older than the asset, none twice, Σ ppm ≤ 1,000,000; what each gets of the royalty
    /// whatever sets say (its ppm, in mode `operator` times 1,000,000 − dataPpm) at least its own minChildPpm in force
    /// (or what the version before gave it so, if that is less); the parents of the version before, in the same order,
    /// come first: lineage can be added, not dropped; an adapter has exactly one Model among its parents; datasets
    /// strictly ascending, at most MAX_DATASETS, all of kind Dataset; at most MAX_EFFECTIVE_SHARES payees and MAX_DEPTH
    /// generations result.
    function proposeTerms(uint32 assetId, Terms calldata terms) external returns (uint32 version);

    /// @notice Offers an asset to a new owner; the zero address withdraws the offer. Requires the owner.
    function transferOwnership(uint32 assetId, address to) external;

    /// @notice Takes an offered asset. Requires the address that it was offered to.
    function acceptOwnership(uint32 assetId) external;

    /// @notice The asset registered for a content hash, or 0.
    function assetIdOf(bytes32 contentHash) external view returns (uint32);

    /// @notice Reverts with RegistryAssetUnknown if there is no such asset.
    function asset(uint32 assetId) external view returns (Asset memory);

    /// @notice What an asset is; None if there is no such asset.
    function kindOf(uint32 assetId) external view returns (Kind);

    /// @notice What an asset was at a time; None if it was not registered by then. For challenges.
    function kindBy(uint32 assetId, uint40 time) external view returns (Kind);

    /// @notice The newest registered asset's id; ids are 1 … assetCount.
    function assetCount() external view returns (uint32);

    /// @notice The newest version with effectiveAt ≤ time; version 1 for an earlier time.
    function termsVersionAt(uint32 assetId, uint40 time) external view returns (uint32 version);

    function terms(uint32 assetId, uint32 version) external view returns (Terms memory);

    /// @notice When a version came or comes into force.
    function termsEffectiveAt(uint32 assetId, uint32 version) external view returns (uint40);

    /// @notice Everything about a version that prices and sets are judged by, without its lists.
    function termsRules(uint32 assetId, uint32 version)
        external
        view
        returns (uint64 floorInputPrice, uint64 floorOutputPrice, AttributionMode mode, uint32 datasetCount);

    /// @notice What challenges judge a receipt by: the version in force at a time, and its floor prices and mode.
    function rulesFor(uint32 assetId, uint40 time)
        external
        view
        returns (uint32 version, uint64 floorInputPrice, uint64 floorOutputPrice, AttributionMode mode);

    /// @notice Whether a version's list of datasets holds this one.
    function admits(uint32 assetId, uint32 version, uint32 datasetId) external view returns (bool);

    /// @notice A version's frozen shares; they sum to exactly 1e12 and none is zero.
    /// @dev In order of first appearance: own split, then each parent's shares, parents in the order given. Own split:
    /// (1e6 − Σ parents' ppm) × ppm. Parent j's share s gives floor(s × ppm_j / 1e6); what these floors leave of ppm_j
    /// × 1e6 goes to the parent's first payee. A payee that appears again is added up; an amount of zero makes no
    /// entry.
    function effectiveShares(uint32 assetId, uint32 version) external view returns (EffectiveShare[] memory);

    /// @notice When a waiting commitment was made, or 0.
    function committedAt(bytes32 commitment) external view returns (uint40);

    /// @dev Bounds on a version: entries of each list, payees after flattening, generations.
    function MAX_SPLIT() external view returns (uint256);
    function MAX_PARENTS() external view returns (uint256);
    function MAX_DATASETS() external view returns (uint256);
    function MAX_EFFECTIVE_SHARES() external view returns (uint256);
    function MAX_DEPTH() external view returns (uint256);

    /// @notice The greatest royaltyPpm that terms may state: 1,000,000 less the protocol's part.
    function MAX_ROYALTY_PPM() external view returns (uint32);
}
