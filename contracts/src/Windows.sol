// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

// The protocol's windows. Constants on every chain: a devnet moves its clock, never these.

// A receipt must stand in a committed batch this long after it ended.
uint40 constant POST_DEADLINE = 24 hours;
// Blobs may be this old when their batch is committed. With CHALLENGE_WINDOW 9 days of the 18 that blobs are kept.
uint40 constant BLOB_MAX_AGE = 2 days;
uint40 constant CHALLENGE_WINDOW = 7 days;
// The operator of a batch that was committed unattested posts a blob this long after it was demanded.
uint40 constant DEMAND_DEADLINE = 2 days;
// A voided batch may be refilled this long after it was voided, and CHALLENGE_WINDOW more after its first commit.
uint40 constant REPOST_DEADLINE = 3 days;
// Longer than POST_DEADLINE by half a day, so that what is served today can be collected; longer than
// REPOST_DEADLINE, so that refunds of a voided batch are still there for its refill.
uint40 constant THAW_DELAY = 84 hours;
// Longer than CHALLENGE_WINDOW + REPOST_DEADLINE: no bond leaves before what it stood for is settled.
uint40 constant BOND_WITHDRAWAL_DELAY = 11 days;
// A withdrawal that is not drawn by then has lapsed: none can be kept in hand against a penalty.
uint40 constant BOND_WITHDRAWAL_SPAN = 3 days;

// A revoked key testifies against batches that are first committed this long after: as long as an operator might
// wait with a batch that alters what the key signed.
uint40 constant KEY_TESTIMONY = 14 days;
// How far the clocks of an operator, of its clients and of the chain may differ.
uint40 constant CLOCK_TOLERANCE = 5 minutes;
// A lane keeps two earlier marks of (time, nextSeq), at least this far apart.
uint40 constant LANE_MARK_SPACING = 2 days;

// Twice POST_DEADLINE: whoever served under the old terms has posted before the new ones count.
uint40 constant TERMS_NOTICE = 48 hours;
uint40 constant PRICE_RISE_NOTICE = 48 hours;
// Short, but long enough for a gateway that reads the chain late not to sign above the new price.
uint40 constant PRICE_FALL_NOTICE = 10 minutes;

uint40 constant COMMIT_MIN_AGE = 60 seconds;
uint40 constant COMMIT_MAX_AGE = 1 days;

// Attesters have this long to disable a root.
uint40 constant ACTIVATION_DELAY = 1 days;
uint40 constant ATTESTER_NOTICE = 14 days;

uint40 constant PAUSE_DURATION = 3 days;

uint256 constant PPM = 1_000_000;
