"""What the watcher tells, one line for each thing that happened: a sentence, or a JSON object with --json."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

SENTENCES: Final = {
    "batch_sound": "Batch {batch_id} keeps every rule that its blobs and the chain can show.",
    "batch_final": "Batch {batch_id} is final.",
    "blob_missing": "Batch {batch_id} can't be judged yet: {reason}",
    "look_failed": "Batch {batch_id} could not be looked at: {reason}",
    "fault_found": "Batch {batch_id} is false: {detail} ({rule}).",
    "would_challenge": "Would send {challenge} against batch {batch_id}: {gas} gas, at most {cost_wei} wei, "
    "for a reward of {reward_units} units.",
    "challenge_refused": "The contract refuses {challenge} against batch {batch_id}: {reason}",
    "challenge_sent": "Sent {challenge} against batch {batch_id} in {tx_hash}.",
    "batch_voided": "Batch {batch_id} is void ({fault}), challenged by {challenger}.",
    "slashed": "The operator {operator} lost {slashed_units} units: {reward_units} to {challenger}, "
    "{burned_units} burned.",
    "would_refund": "Would pull {payers} refunds of batch {batch_id}.",
    "refund_sent": "Pulls {payers} refunds of batch {batch_id} in {tx_hash}.",
    "refunded": "All payers of batch {batch_id} have been refunded.",
    "receipt_landed": "Receipt {seq} of lane {lane} stands in batch {batch_id} as it was signed.",
    "receipt_unknown": "Receipt {seq} of lane {lane} belongs to a batch that is final or was before this watch.",
    "receipt_waiting": "Receipt {seq} of lane {lane} is in no batch yet; it is due by {due_at}.",
    "would_penalize": "Would have the operator pay for receipt {seq} of lane {lane}: {gas} gas, at most {cost_wei} wei.",
    "penalty_refused": "No penalty for receipt {seq} of lane {lane} now: {reason}",
    "penalty_sent": "Has the operator pay for receipt {seq} of lane {lane} in {tx_hash}.",
    "penalized": "The operator paid {penalty_units} units for receipt {seq} of lane {lane}, for which there is no place in any batch.",
    "receipt_file_wrong": "{reason}",
    "probe_answered": "{model} answers, receipt {seq} of lane {lane}, {fee_units} units: all as it must be.",
    "probe_wrong": "An answer of {model} is not as it must be: {faults}",
    "probe_refused": "The probe got no answer: {reason}",
    "probe_funded": "Deposited {deposit_units} units with the operator {operator}.",
    "deposit_approved": "Approves the deposit for blob {blob} of batch {batch_id} in {tx_hash}.",
    "demand_sent": "Demands blob {blob} of batch {batch_id} on L1 in {tx_hash}.",
    "would_demand": "Would demand blob {blob} of batch {batch_id}, or see such a demand through.",
    "demand_refused": "The contract refuses a demand for blob {blob} of batch {batch_id}: {reason}",
    "withheld_sent": "Voids batch {batch_id}, whose blob {blob} was not posted in time, in {tx_hash}.",
    "deposit_reclaimed": "Takes back the deposit for blob {blob} of batch {batch_id} in {tx_hash}.",
    "limit_reached": "Nothing is sent: {reason}",
    "transaction_failed": "Transaction {tx_hash} came too late or failed: {reason}",
    "waits": "Waiting: {reason}",
}


class Report:
    """Tells what happens; counts it."""

    def __init__(self, write: Callable[[str], None], *, as_json: bool) -> None:
        """Write lines with `write`."""
        self._write = write
        self._as_json = as_json
        self.counts: Counter[str] = Counter()

    def tell(self, event: str, **facts: object) -> None:
        """One line; bytes are shown as hex, amounts as they are."""
        self.counts[event] += 1
        shown = {name: f"0x{value.hex()}" if isinstance(value, bytes) else value for name, value in facts.items()}
        if not self._as_json:
            sentence = SENTENCES[event].format(**shown)  # parts of it may be a stranger's, and a terminal obeys
            self._write("".join(character if character.isprintable() else "\ufffd" for character in sentence))
            return
        exact = {n: str(v) if n.endswith(("_units", "_wei")) else v for n, v in shown.items()}
        self._write(json.dumps({"event": event, **exact}))
