"""Lines that the watcher tells: facts as they are, and nothing that a terminal would take for an order."""

from __future__ import annotations

import json

import pytest

from watcher.report import Report

pytestmark = pytest.mark.unit

SAID = "busy\x1b[2J\r\n\u202e0 wrong"


@pytest.mark.parametrize("as_json", [False, True])
def test_what_a_stranger_says_stays_on_its_line(as_json: bool) -> None:
    told: list[str] = []
    Report(told.append, as_json=as_json).tell("probe_refused", reason=SAID)
    (line,) = told
    assert line.isprintable()
    assert not as_json or json.loads(line)["reason"] == SAID


def test_facts_are_told_as_they_are() -> None:
    told: list[str] = []
    Report(told.append, as_json=False).tell("refund_sent", batch_id=7, payers=2, tx_hash=b"\x01\x02")
    assert told == ["Pulls 2 refunds of batch 7 in 0x0102."]
