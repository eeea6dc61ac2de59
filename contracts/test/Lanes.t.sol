// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {BatchHeader, Charge} from "../interfaces/BatchTypes.sol";
import {World} from "./World.sol";

/// @notice What a lane tells of its past is true, and is enough for the penalty that stands on it.
contract LanesTest is World {
    uint40 private constant SPACING = 2 days;

    struct Reach {
        uint40 at;
        uint64 seq;
    }

    Reach[] private history;

    function setUp() public override {
        super.setUp();
        depositBond(1e15);
    }

    function commitSome(uint24 count) private {
        Charge[] memory charges = charge(payer, 0);
        BatchHeader memory h = headerFor(charges, count);
        bytes32[] memory hashes = hashesFor(1, 1);
        attest(hashes, clock());
        vm.prank(operator);
        ledger.commitBatch(h, hashes, charges);
        history.push(Reach(clock(), ledger.nextSeq(operator, 0)));
    }

    function reached(uint40 time) private view returns (uint64 seq) {
        for (uint256 n = 0; n < history.length && history[n].at <= time; ++n) {
            seq = history[n].seq;
        }
    }

    /// forge-config: default.fuzz.runs = 48
    function test_fuzz_a_lane_tells_what_it_had_reached(uint256 seed) external {
        for (uint256 n = 0; n < 30; ++n) {
            uint256 draw = uint256(keccak256(abi.encode(seed, n)));
            // Bursts, days and long sleeps.
            skip(draw % (draw % 3 == 0 ? 1 hours : draw % 3 == 1 ? 3 days : 15 days));
            commitSome(uint24(1 + (draw >> 32) % 9));
            skip((draw >> 48) % 1 days);
            for (uint256 k = 0; k < 4; ++k) {
                uint40 asked = clock() - uint40(uint32(draw >> (64 + 32 * k)) % (SPACING + 1));
                uint64 told = ledger.seqReachedBy(operator, 0, asked);
                vm.assertLe(told, reached(asked), "more than was reached");
                vm.assertGe(told, reached(asked - SPACING), "too little");
            }
        }
    }

    function test_a_lane_without_commits_has_reached_nothing() external view {
        vm.assertEq(ledger.seqReachedBy(operator, 7, clock()), 0);
    }
}
