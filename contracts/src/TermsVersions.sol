// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    Asset,
    AttributionMode,
    EffectiveShare,
    IAttributionRegistry,
    Kind,
    Parent,
    Share,
    Terms
} from "../interfaces/IAttributionRegistry.sol";
import {ContributorLists} from "./ContributorLists.sol";
import {EffectiveShares} from "./libraries/EffectiveShares.sol";
import {PPM} from "./Windows.sol";

/// @notice The registry's money rules: checks, flattens and keeps the versions of every asset's terms.
abstract contract TermsVersions is IAttributionRegistry, ContributorLists {
    uint256 public constant MAX_SPLIT = 32;
    uint256 public constant MAX_PARENTS = 16;
    uint256 public constant MAX_DATASETS = 256;
    uint256 public constant MAX_EFFECTIVE_SHARES = EffectiveShares.MAX_EFFECTIVE_SHARES;
    uint256 public constant MAX_DEPTH = 8;
    uint32 public immutable MAX_ROYALTY_PPM;

    struct Version {
        // One slot, 31 bytes.
        uint40 effectiveAt;
        uint24 royaltyPpm;
        uint24 dataPpm;
        uint24 minChildPpm;
        AttributionMode mode;
        uint64 floorInputPrice;
        uint64 floorOutputPrice;
        Share[] split;
        Parent[] parents;
        uint32[] datasets;
        EffectiveShare[] effectiveShares;
        /// Whose shares were used, in the order of `parents`.
        uint32[] parentVersions;
    }

    uint32 public assetCount;
    mapping(uint32 assetId => Asset) internal _assets;
    mapping(uint32 assetId => mapping(uint32 version => Version)) private _versions;

    constructor(uint32 maxRoyaltyPpm) {
        require(maxRoyaltyPpm <= PPM, RegistryRoyaltyLimitTooHigh(maxRoyaltyPpm));
        MAX_ROYALTY_PPM = maxRoyaltyPpm;
    }

    /* VIEWS */

    /// @inheritdoc IAttributionRegistry
    function asset(uint32 assetId) external view returns (Asset memory) {
        return _requireAsset(assetId);
    }

    /// @inheritdoc IAttributionRegistry
    function kindOf(uint32 assetId) external view returns (Kind) {
        return _assets[assetId].kind;
    }

    /// @inheritdoc IAttributionRegistry
    function kindBy(uint32 assetId, uint40 time) external view returns (Kind) {
        // Version 1 is in force from the second of the registration.
        return _versions[assetId][1].effectiveAt > time ? Kind.None : _assets[assetId].kind;
    }

    /// @inheritdoc IAttributionRegistry
    function termsVersionAt(uint32 assetId, uint40 time) public view returns (uint32 version) {
        // Greatest version with effectiveAt ≤ time, by bisection: effective times never fall from one to the next.
        uint32 high = _requireAsset(assetId).versionCount;
        version = 1;
        while (version < high) {
            uint32 middle = version + (high - version + 1) / 2;
            if (_versions[assetId][middle].effectiveAt <= time) version = middle;
            else high = middle - 1;
        }
    }

    /// @inheritdoc IAttributionRegistry
    function terms(uint32 assetId, uint32 version) external view returns (Terms memory) {
        Version storage v = _requireVersion(assetId, version);
        return Terms({
            royaltyPpm: v.royaltyPpm,
            dataPpm: v.dataPpm,
            minChildPpm: v.minChildPpm,
            floorInputPrice: v.floorInputPrice,
            floorOutputPrice: v.floorOutputPrice,
            mode: v.mode,
            split: v.split,
            parents: v.parents,
            datasets: v.datasets
        });
    }

    /// @inheritdoc IAttributionRegistry
    function termsEffectiveAt(uint32 assetId, uint32 version) external view returns (uint40) {
        return _requireVersion(assetId, version).effectiveAt;
    }

    /// @inheritdoc IAttributionRegistry
    function termsRules(uint32 assetId, uint32 version)
        external
        view
        returns (uint64, uint64, AttributionMode, uint32)
    {
        Version storage v = _requireVersion(assetId, version);
        return (v.floorInputPrice, v.floorOutputPrice, v.mode, uint32(v.datasets.length));
    }

    /// @inheritdoc IAttributionRegistry
    function rulesFor(uint32 assetId, uint40 time)
        external
        view
        returns (uint32 version, uint64 floorInputPrice, uint64 floorOutputPrice, AttributionMode mode)
    {
        version = termsVersionAt(assetId, time);
        Version storage v = _versions[assetId][version];
        (floorInputPrice, floorOutputPrice, mode) = (v.floorInputPrice, v.floorOutputPrice, v.mode);
    }

    /// @inheritdoc IAttributionRegistry
    function admits(uint32 assetId, uint32 version, uint32 datasetId) external view returns (bool) {
        uint32[] storage datasets = _requireVersion(assetId, version).datasets;
        uint256 low = 0;
        uint256 high = datasets.length;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (datasets[middle] < datasetId) low = middle + 1;
            else high = middle;
        }
        return low < datasets.length && datasets[low] == datasetId;
    }

    /// @inheritdoc IAttributionRegistry
    function effectiveShares(uint32 assetId, uint32 version) external view returns (EffectiveShare[] memory) {
        return _requireVersion(assetId, version).effectiveShares;
    }

    /* A NEW VERSION */

    function _addVersion(uint32 assetId, Terms calldata terms_, uint40 effectiveAt)
        internal
        returns (uint32 version)
    {
        _checkPpm(terms_);
        _checkSplit(terms_.split);
        _checkParents(assetId, terms_);
        _checkDatasets(terms_.datasets);
        version = ++_assets[assetId].versionCount;
        EffectiveShare[] memory shares =
            _flatten(terms_, _versions[assetId][version], _versions[assetId][version - 1].parentVersions);
        _store(_versions[assetId][version], terms_, effectiveAt, shares);
        emit TermsRegistered(assetId, version, effectiveAt, terms_, shares);
    }

    function _checkPpm(Terms calldata terms_) private view {
        require(
            terms_.royaltyPpm <= MAX_ROYALTY_PPM, RegistryPpmTooHigh(terms_.royaltyPpm, MAX_ROYALTY_PPM)
        );
        require(terms_.dataPpm <= PPM, RegistryPpmTooHigh(terms_.dataPpm, PPM));
        require(terms_.minChildPpm <= PPM, RegistryPpmTooHigh(terms_.minChildPpm, PPM));
    }

    function _checkSplit(Share[] calldata split) private view {
        require(split.length <= MAX_SPLIT, RegistryTooMany(split.length, MAX_SPLIT));
        uint256 sum = 0;
        for (uint256 i = 0; i < split.length; ++i) {
            require(split[i].payee != address(0) && split[i].ppm != 0, RegistrySplitEmptyEntry(i));
            _requirePayable(split[i].payee);
            sum += split[i].ppm;
        }
        require(sum == PPM, RegistrySplitSum(sum));
    }

    function _checkParents(uint32 assetId, Terms calldata terms_) private {
        Parent[] calldata parents = terms_.parents;
        require(parents.length <= MAX_PARENTS, RegistryTooMany(parents.length, MAX_PARENTS));
        Asset storage child = _assets[assetId];
        Version storage before = _versions[assetId][child.versionCount];
        Parent[] storage previous = before.parents;
        uint256 sum = 0;
        uint256 depth = 0;
        uint256 models = 0;
        for (uint256 j = 0; j < parents.length; ++j) {
            uint32 parentId = parents[j].assetId;
            Asset storage parent = _requireAsset(parentId);
            require(parentId < assetId, RegistryParentNotOlder(assetId, parentId));
            for (uint256 i = 0; i < j; ++i) {
                require(parents[i].assetId != parentId, RegistryParentRepeated(parentId));
            }
            _checkLeast(terms_, before, j);
            sum += parents[j].ppm;
            if (j >= previous.length && parent.depth + 1 > depth) depth = parent.depth + 1;
            if (parent.kind == Kind.Model) ++models;
        }
        require(sum <= PPM, RegistryPpmTooHigh(sum, PPM));
        if (parents.length < previous.length) {
            revert RegistryParentDropped(parents.length, previous[parents.length].assetId);
        }
        require(child.kind != Kind.Adapter || models == 1, RegistryModelParents(models));
        _setDepth(child, depth);
    }

    /// @dev Version 1 fixes it: no parent's owner can deepen what others stand on, so parents carried over need no
    /// second look.
    function _setDepth(Asset storage child, uint256 depth) private {
        bool isFirst = child.versionCount == 0;
        uint256 limit = isFirst ? MAX_DEPTH : child.depth;
        require(depth <= limit, RegistryTooDeep(depth, limit));
        if (isFirst) child.depth = uint8(depth);
    }

    /// @dev What a parent was given before is always enough: a parent that asks for more later can't freeze its
    /// children's terms. Parts of a royalty in units of 1e-12, so that none is rounded.
    function _checkLeast(Terms calldata terms_, Version storage previous, uint256 j) private view {
        Parent calldata parent = terms_.parents[j];
        uint256 least = uint256(_versions[parent.assetId][_versionNow(parent.assetId)].minChildPpm) * PPM;
        if (j < previous.parents.length) {
            Parent memory before = previous.parents[j];
            require(before.assetId == parent.assetId, RegistryParentDropped(j, before.assetId));
            uint256 given = before.ppm * _byTermsPpm(previous.mode, previous.dataPpm);
            if (given < least) least = given;
        }
        uint256 gives = parent.ppm * _byTermsPpm(terms_.mode, terms_.dataPpm);
        require(
            gives >= least,
            RegistryParentBelowLeast(parent.assetId, uint32(gives / PPM), uint32((least + PPM - 1) / PPM))
        );
    }

    /// @dev The part of a royalty that goes by the terms whatever sets say: sets count in mode `operator` alone.
    function _byTermsPpm(AttributionMode mode, uint256 dataPpm) private pure returns (uint256) {
        return mode == AttributionMode.Fixed ? PPM : PPM - dataPpm;
    }

    function _checkDatasets(uint32[] calldata datasets) private view {
        require(datasets.length <= MAX_DATASETS, RegistryTooMany(datasets.length, MAX_DATASETS));
        uint32 previous = 0;
        for (uint256 i = 0; i < datasets.length; ++i) {
            uint32 datasetId = datasets[i];
            require(datasetId > previous, RegistryDatasetsNotAscending(previous, datasetId));
            require(_requireAsset(datasetId).kind == Kind.Dataset, RegistryNotDataset(datasetId));
            previous = datasetId;
        }
    }

    /// @dev By the parents' versions in force now. Where their shares have become too many together, the parents that
    /// were there before count as they did before: nobody but the owner itself can hinder a new version.
    function _flatten(Terms calldata terms_, Version storage version, uint32[] storage before)
        private
        returns (EffectiveShare[] memory shares)
    {
        Parent[] memory parents = terms_.parents;
        uint32[] memory used = new uint32[](parents.length);
        for (uint256 j = 0; j < parents.length; ++j) {
            used[j] = _versionNow(parents[j].assetId);
        }
        bool fits;
        (shares, fits) = EffectiveShares.flatten(terms_.split, parents, _sharesOf(parents, used));
        if (!fits) {
            for (uint256 j = 0; j < before.length; ++j) {
                used[j] = before[j];
            }
            (shares, fits) = EffectiveShares.flatten(terms_.split, parents, _sharesOf(parents, used));
            require(fits, RegistryTooMany(MAX_EFFECTIVE_SHARES + 1, MAX_EFFECTIVE_SHARES));
        }
        version.parentVersions = used;
    }

    function _sharesOf(Parent[] memory parents, uint32[] memory used)
        private
        view
        returns (EffectiveShare[][] memory shares)
    {
        shares = new EffectiveShare[][](parents.length);
        for (uint256 j = 0; j < parents.length; ++j) {
            shares[j] = _versions[parents[j].assetId][used[j]].effectiveShares;
        }
    }

    function _store(
        Version storage v,
        Terms calldata terms_,
        uint40 effectiveAt,
        EffectiveShare[] memory shares
    ) private {
        v.effectiveAt = effectiveAt;
        // Checked to be at most 1,000,000, which 24 bits hold.
        v.royaltyPpm = uint24(terms_.royaltyPpm);
        v.dataPpm = uint24(terms_.dataPpm);
        v.minChildPpm = uint24(terms_.minChildPpm);
        v.mode = terms_.mode;
        v.floorInputPrice = terms_.floorInputPrice;
        v.floorOutputPrice = terms_.floorOutputPrice;
        v.datasets = terms_.datasets;
        for (uint256 i = 0; i < terms_.split.length; ++i) {
            v.split.push(terms_.split[i]);
        }
        for (uint256 i = 0; i < terms_.parents.length; ++i) {
            v.parents.push(terms_.parents[i]);
        }
        for (uint256 i = 0; i < shares.length; ++i) {
            v.effectiveShares.push(shares[i]);
        }
    }

    function _versionNow(uint32 assetId) private view returns (uint32) {
        return termsVersionAt(assetId, uint40(block.timestamp));
    }

    function _requireAsset(uint32 assetId) internal view returns (Asset storage asset_) {
        asset_ = _assets[assetId];
        require(asset_.kind != Kind.None, RegistryAssetUnknown(assetId));
    }

    function _requireVersion(uint32 assetId, uint32 version) private view returns (Version storage) {
        require(
            version != 0 && version <= _assets[assetId].versionCount, RegistryVersionUnknown(assetId, version)
        );
        return _versions[assetId][version];
    }
}
