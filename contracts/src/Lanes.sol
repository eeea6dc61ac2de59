// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IReceiptLedger} from "../interfaces/IReceiptLedger.sol";
import {LANE_MARK_SPACING} from "./Windows.sol";

/// @notice How far every lane has come, and how far it had come a while ago.
abstract contract Lanes is IReceiptLedger {
    /// One slot: all that a commit reads and, most of the time, writes.
    struct Lane {
        uint64 nextSeq;
        uint40 committedAt;
        uint64 markedSeq;
        uint40 markedAt;
    }

    struct Mark {
        uint64 seq;
        uint40 time;
    }

    mapping(address operator => mapping(uint16 lane => Lane)) private _lanes;
    mapping(address operator => mapping(uint16 lane => Mark)) private _olderMarks;

    /// @inheritdoc IReceiptLedger
    function nextSeq(address operator, uint16 lane) public view returns (uint64) {
        return _lanes[operator][lane].nextSeq;
    }

    /// @inheritdoc IReceiptLedger
    function seqReachedBy(address operator, uint16 lane, uint40 time) external view returns (uint64) {
        Lane memory present = _lanes[operator][lane];
        if (present.committedAt <= time) return present.nextSeq;
        if (present.markedAt <= time) return present.markedSeq;
        Mark memory older = _olderMarks[operator][lane];
        return older.time <= time ? older.seq : 0;
    }

    /// @dev A lane without commits has the mark (0, 0), which tells nothing and is true.
    function _advance(address operator, uint16 lane, uint64 firstSeq, uint24 count) internal {
        Lane memory present = _lanes[operator][lane];
        require(firstSeq == present.nextSeq, LedgerWrongSeq(firstSeq, present.nextSeq));
        uint40 time = uint40(block.timestamp);
        if (present.committedAt != 0 && time >= present.markedAt + LANE_MARK_SPACING) {
            if (present.markedAt != 0) _olderMarks[operator][lane] = Mark(present.markedSeq, present.markedAt);
            (present.markedSeq, present.markedAt) = (present.nextSeq, present.committedAt);
        }
        (present.nextSeq, present.committedAt) = (firstSeq + count, time);
        _lanes[operator][lane] = present;
    }
}
