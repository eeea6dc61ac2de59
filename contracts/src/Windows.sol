// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

// The protocol's windows. Constants on every chain: a devnet moves its clock, never these.

// A receipt must stand in a committed batch this long after it ended; keys count for this long before a commit.
uint40 constant POST_DEADLINE = 24 hours;
// Blobs may be this old when their batch is committed. With CHALLENGE_WINDOW 9 days of the 18 that blobs are kept.
uint40 constant BLOB_MAX_AGE = 2 days;
uint40 constant CHALLENGE_WINDOW = 7 days;
// A voided batch may be refilled this long after it was voided.
uint40 constant REPOST_DEADLINE = 3 days;
// Longer than POST_DEADLINE by half a day, so that what is served today can be collected; longer than
// REPOST_DEADLINE, so that refunds of a voided batch are still there for its refill.
uint40 constant THAW_DELAY = 84 hours;
// Longer than CHALLENGE_WINDOW + REPOST_DEADLINE: no bond leaves before what it stood for is settled.
uint40 constant BOND_WITHDRAWAL_DELAY = 11 days;

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
