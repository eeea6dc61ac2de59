"""Denominators, windows and the one place where a fee is rounded.

Source: docs/spec/money.md.
"""

from typing import Final

PPM: Final = 1_000_000
"""Parts per million: the denominator of every share in terms and attribution sets."""

SHARE_ONE: Final = 10**12
"""Denominator of the effective shares of an asset version; they sum to it exactly."""

ENTITLEMENT_ONE: Final = PPM**3 * SHARE_ONE
"""Denominator of an entitlement: attribution weight x share of fee x dataPpm x effective share."""

UNITS_PER_PRICE: Final = 1000
"""A published price is for this many input or output units."""

MAX_U24: Final = 2**24 - 1
MAX_U32: Final = 2**32 - 1
MAX_U40: Final = 2**40 - 1
MAX_U64: Final = 2**64 - 1

HOUR_SECONDS: Final = 3_600
DAY_SECONDS: Final = 24 * HOUR_SECONDS

POST_DEADLINE_SECONDS: Final = DAY_SECONDS
BLOB_MAX_AGE_SECONDS: Final = 2 * DAY_SECONDS
CHALLENGE_WINDOW_SECONDS: Final = 7 * DAY_SECONDS
REPOST_DEADLINE_SECONDS: Final = 3 * DAY_SECONDS
REFILL_LIMIT_SECONDS: Final = CHALLENGE_WINDOW_SECONDS + REPOST_DEADLINE_SECONDS
"""A hole is filled at most this long after its batch's first commit."""
KEY_TESTIMONY_SECONDS: Final = 14 * DAY_SECONDS
THAW_DELAY_SECONDS: Final = 7 * DAY_SECONDS // 2
NOTICE_SECONDS: Final = 2 * POST_DEADLINE_SECONDS
COMMIT_MIN_AGE_SECONDS: Final = 60
COMMIT_MAX_AGE_SECONDS: Final = DAY_SECONDS
CLOCK_TOLERANCE_SECONDS: Final = 300


def fee_up(input_units: int, output_units: int, input_price_units: int, output_price_units: int) -> int:
    """Fee of one receipt in base units, rounded up once.

    Args:
        input_units: prompt tokens, 0 to 2^24 - 1.
        output_units: completion tokens, 0 to 2^24 - 1.
        input_price_units: price of 1000 input units, in base units.
        output_price_units: price of 1000 output units, in base units.

    Source: docs/spec/receipt.md.
    """
    return -(-(input_units * input_price_units + output_units * output_price_units) // UNITS_PER_PRICE)


def clamp_terms_time(started_at: int, terms_from: int, first_committed_at: int) -> int:
    """Second at which a receipt's terms, prices and admissions are read.

    A receipt can't claim terms older than the posting deadline allowed, nor terms that come
    after the commit: startedAt is clamped to [terms_from, first commit]. terms_from is POST_DEADLINE
    before the first commit, and earlier by as much as a pause of intake took of that time.

    Source: docs/spec/money.md.
    """
    return min(max(started_at, terms_from), first_committed_at)
