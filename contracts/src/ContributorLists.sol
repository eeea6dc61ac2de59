// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ContributorList, IContributorLists} from "../interfaces/IContributorLists.sol";
import {ContributorTree} from "./libraries/ContributorTree.sol";

/// @notice Publishes the lists by which datanets pay thousands, and says which addresses stand for one.
abstract contract ContributorLists is IContributorLists {
    bytes16 public constant CONTRIBUTORS_TAG = bytes16(keccak256("Tributary contributor list"));
    uint256 public constant MAX_CONTRIBUTORS = 2 ** (ContributorTree.LEVELS - 1);

    struct List {
        // One slot each: what was committed to, how far publishing has come, the root.
        address publisher;
        uint64 totalWeight;
        uint32 count;
        address last;
        uint64 publishedWeight;
        uint32 published;
        bytes32 root;
        ContributorTree.Peaks peaks;
    }

    uint32 public contributorListCount;
    mapping(uint32 listId => List) private _lists;

    /* PUBLISHING */

    /// @inheritdoc IContributorLists
    function openContributors(bytes32 root, uint32 count, uint64 totalWeight) external returns (uint32 listId) {
        require(count != 0 && count <= MAX_CONTRIBUTORS, ContributorsCount(count, MAX_CONTRIBUTORS));
        require(totalWeight >= count, ContributorsWeight(totalWeight, count));
        listId = ++contributorListCount;
        List storage list = _lists[listId];
        (list.publisher, list.totalWeight, list.count) = (msg.sender, totalWeight, count);
        list.root = root;
        emit ContributorsOpened(listId, msg.sender, root, count, totalWeight);
    }

    /// @inheritdoc IContributorLists
    function publishContributors(uint32 listId, bytes32[] calldata rows) external {
        List storage list = _requireList(listId);
        require(msg.sender == list.publisher, ContributorsNotPublisher(listId, msg.sender, list.publisher));
        (uint32 first, uint64 weightBefore) = (list.published, list.publishedWeight);
        require(
            rows.length != 0 && rows.length <= list.count - first, ContributorsRowCount(rows.length, list.count - first)
        );
        ContributorTree.Peaks memory peaks = ContributorTree.load(list.peaks, first);
        (address last, uint256 weight) = _append(peaks, first, list.last, rows);
        weight += weightBefore;
        require(weight <= list.totalWeight, ContributorsWeightSum(weight, list.totalWeight));
        uint256 size = first + rows.length;
        // Not above the total, which 64 bits hold, and not above the count, which 32 do.
        (list.last, list.publishedWeight, list.published) = (last, uint64(weight), uint32(size));
        emit ContributorsPublished(listId, first, weightBefore, rows);
        if (size == list.count) _complete(listId, list, peaks, weight);
        else ContributorTree.save(list.peaks, peaks, first, size);
    }

    /* VIEWS */

    /// @inheritdoc IContributorLists
    function contributorList(uint32 listId) external view returns (ContributorList memory) {
        List storage list = _requireList(listId);
        return ContributorList({
            publisher: list.publisher,
            totalWeight: list.totalWeight,
            count: list.count,
            published: list.published,
            publishedWeight: list.publishedWeight,
            last: list.last,
            root: list.root
        });
    }

    /// @inheritdoc IContributorLists
    function contributorsPayee(uint32 listId) external pure returns (address) {
        return address(bytes20(CONTRIBUTORS_TAG) | bytes20(uint160(listId)));
    }

    /// @dev Reverts for an address that stands for no complete list but lies in the range of those that do.
    function _requirePayable(address payee) internal view {
        if (!_isListPayee(payee)) return;
        List storage list = _lists[uint32(uint160(payee))];
        require(list.count != 0 && list.published == list.count, ContributorsIncomplete(payee));
    }

    function _complete(uint32 listId, List storage list, ContributorTree.Peaks memory peaks, uint256 weight) private {
        require(weight == list.totalWeight, ContributorsWeightSum(weight, list.totalWeight));
        bytes32 root = ContributorTree.root(peaks, list.count);
        require(root == list.root, ContributorsRoot(root, list.root));
        emit ContributorsCompleted(listId);
    }

    /// @dev A weight has 96 bits and there are fewer than 2^32 rows, so their sum can't overflow.
    function _append(ContributorTree.Peaks memory peaks, uint256 first, address last, bytes32[] calldata rows)
        private
        pure
        returns (address, uint256 weight)
    {
        for (uint256 i = 0; i < rows.length; ++i) {
            bytes32 row = rows[i];
            address contributor = address(bytes20(row));
            uint256 rowWeight = uint96(uint256(row));
            require(
                contributor > last && rowWeight != 0 && !_isListPayee(contributor),
                ContributorsRowInvalid(first + i, row)
            );
            unchecked {
                ContributorTree.append(peaks, first + i, row);
                weight += rowWeight;
            }
            last = contributor;
        }
        return (last, weight);
    }

    function _isListPayee(address payee) private pure returns (bool) {
        return bytes16(bytes20(payee)) == CONTRIBUTORS_TAG;
    }

    function _requireList(uint32 listId) private view returns (List storage list) {
        list = _lists[listId];
        require(list.count != 0, ContributorsListUnknown(listId));
    }
}
