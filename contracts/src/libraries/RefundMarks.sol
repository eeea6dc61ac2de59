// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

/// @notice Which payers of a voided batch have been refunded. The first FIRST of them share a slot with the time and the
/// count, which the challenger pays for, so that a refund writes no new slot.
struct Refunds {
    uint40 voidedAt;
    uint16 outstanding;
    uint200 first;
    // Keyed by time too: what an earlier voiding left here is not read again.
    mapping(uint40 voidedAt => mapping(uint256 word => uint256)) more;
}

library RefundMarks {
    uint256 internal constant FIRST = 200;

    /// @notice Begins anew: nobody is refunded.
    /// @dev No two voidings of a batch have the same time, since a refill waits for a later second.
    function open(Refunds storage self, uint256 payers) internal {
        self.voidedAt = uint40(block.timestamp);
        self.outstanding = uint16(payers);
        self.first = 0;
    }

    /// @return fresh Whether the payer was not marked before.
    function mark(Refunds storage self, uint256 p) internal returns (bool fresh) {
        if (p < FIRST) {
            uint200 bit = uint200(1) << uint200(p);
            fresh = self.first & bit == 0;
            if (fresh) (self.first, self.outstanding) = (self.first | bit, self.outstanding - 1);
        } else {
            mapping(uint256 => uint256) storage words = self.more[self.voidedAt];
            uint256 bit = 1 << (p % 256);
            fresh = words[p / 256] & bit == 0;
            if (fresh) (words[p / 256], self.outstanding) = (words[p / 256] | bit, self.outstanding - 1);
        }
    }
}
