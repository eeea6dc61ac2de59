// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IReceiptLedger} from "../interfaces/IReceiptLedger.sol";
import {LANE_MARK_SPACING} from "./Windows.sol";

/// @notice How far every lane has come, and how far it had come a while ago.
abstract contract Lanes is IReceiptLedger {
    /// One slot. The marks are told by how many receipts were committed since: nextSeq less that was reached by then.
    struct Lane {
        uint64 nextSeq;
        uint40 committedAt;
        uint40 markedAt;
        uint40 olderAt;
        uint32 sinceMarked;
        uint32 sinceOlder;
    }

    mapping(address operator => mapping(uint16 lane => Lane)) private _lanes;

    /// @inheritdoc IReceiptLedger
    function nextSeq(address operator, uint16 lane) public view returns (uint64) {
        return _lanes[operator][lane].nextSeq;
    }

    /// @inheritdoc IReceiptLedger
    function seqReachedBy(address operator, uint16 lane, uint40 time) external view returns (uint64) {
        Lane memory present = _lanes[operator][lane];
        if (present.committedAt <= time) return present.nextSeq;
        if (present.markedAt <= time) return _reached(present.nextSeq, present.sinceMarked);
        return present.olderAt <= time ? _reached(present.nextSeq, present.sinceOlder) : 0;
    }

    function _advance(address operator, uint16 lane, uint64 firstSeq, uint24 count) internal {
        Lane memory present = _lanes[operator][lane];
        require(firstSeq == present.nextSeq, LedgerWrongSeq(firstSeq, present.nextSeq));
        uint40 time = uint40(block.timestamp);
        if (present.committedAt != 0 && time >= present.markedAt + LANE_MARK_SPACING) {
            (present.olderAt, present.sinceOlder) = (present.markedAt, present.sinceMarked);
            (present.markedAt, present.sinceMarked) = (present.committedAt, 0);
        }
        (present.nextSeq, present.committedAt) = (firstSeq + count, time);
        (present.sinceMarked, present.sinceOlder) =
            (_plus(present.sinceMarked, count), _plus(present.sinceOlder, count));
        _lanes[operator][lane] = present;
    }

    /// @dev The greatest number stands for more than can be told: such a mark tells nothing, which is true.
    function _reached(uint64 next, uint32 since) private pure returns (uint64) {
        return since == type(uint32).max ? 0 : next - since;
    }

    function _plus(uint32 since, uint24 count) private pure returns (uint32) {
        uint256 sum = uint256(since) + count;
        return sum < type(uint32).max ? uint32(sum) : type(uint32).max;
    }
}
