"""Where each field element of a batch stands.

A batch is a run of field elements (FEs) over 1 to 6 blobs; FE n is element n % 4096 of blob
n // 4096. Only the low 31 bytes of an FE are used; the top byte of a used FE is zero.
Source: docs/spec/blob.md.
"""

from typing import Final

FORMAT: Final = 1
FE_BYTES: Final = 32
USED_BYTES: Final = 31
FES_PER_BLOB: Final = 4096
BLOB_BYTES: Final = FES_PER_BLOB * FE_BYTES
MAX_BLOBS: Final = 6
MAX_FES: Final = FES_PER_BLOB * MAX_BLOBS
HEADER_FES: Final = 2
MAX_RECEIPTS: Final = 12_286
MAX_TIME_OFFSET: Final = 2**16 - 1


def a_position(i: int) -> int:
    """FE of receipt i's digest."""
    return HEADER_FES + 2 * i


def b_position(i: int) -> int:
    """FE of receipt i's public fields."""
    return HEADER_FES + 2 * i + 1


def p_position(count: int, p: int) -> int:
    """FE of payer p's total."""
    return HEADER_FES + 2 * count + p


def s_position(count: int, payer_count: int, k: int) -> int:
    """FE of attribution set part k."""
    return HEADER_FES + 2 * count + payer_count + k


def used_fes(count: int, payer_count: int, set_fe_count: int) -> int:
    """FEs that a batch of this shape uses, header included."""
    return HEADER_FES + 2 * count + payer_count + set_fe_count


def blobs_needed(fes: int) -> int:
    """Blobs that hold this many FEs, at least one."""
    return max(1, -(-fes // FES_PER_BLOB))
