"""Asking for drawn receipts while their window is open, not only when a root is proposed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from ledger.errors import TributaryError
from ledger.protocol.units import MAX_U40

if TYPE_CHECKING:
    from settlement.attester import Attester

log = structlog.get_logger(__name__)


def look_at_draw(attester: Attester) -> None:
    """Looks once at everything that the index has; what fails is logged, and tried again at the next look."""
    if attester.draw is None:
        return
    try:
        attester.draw.look(MAX_U40)
    except TributaryError as error:
        log.warning("draw_look_failed", reason=str(error))
    except Exception:  # whatever an operator answers, the watch over roots goes on
        log.exception("draw_look_broke")
