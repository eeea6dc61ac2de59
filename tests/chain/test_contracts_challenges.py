"""Fraud proofs on real chains: real blobs, real openings, every challenge against a false batch and an honest one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from ledger.chain.blocks import block_at
from ledger.chain.contracts.challenges import Challenges, CommittedBatch, Opening
from ledger.chain.structs import AttributionMode, BatchRecord, BatchStatus, Kind
from ledger.chain.transaction import Call
from ledger.errors import ContractRevertedError
from ledger.protocol.attribution import SetEntry, attribution_hash
from ledger.protocol.batch import batch_commitment, post_hash
from ledger.protocol.blob import kzg
from ledger.protocol.blob.encode import BatchEntry, EncodedBatch, encode
from ledger.protocol.blob.layout import FE_BYTES, a_position, b_position, p_position, s_position
from ledger.protocol.receipt import Receipt
from ledger.protocol.signature import address_of, sign
from tests.factories.attesters import ATTESTERS
from tests.factories.operator_flow import DAY, INPUT_PRICE, OUTPUT_PRICE, OperatorFlow, key_of, operator_flow, terms_for
from tributary.devnet import Devnet

pytestmark = pytest.mark.chain

PAYERS = sorted((key_of(f"challenged payer {n}") for n in range(2)), key=address_of)
OWNER = address_of(key_of("model owner"))
BOND, DEPOSIT = 1_000_000_000, 50_000_000
FRAUD_PROOF_GAS, REFUND_GAS = 180_000, 60_000
BURN_ADDRESS = bytes.fromhex("000000000000000000000000000000000000dead")
ONE_OPENING = ("header", "element", "charge", "receipt", "price", "set_part", "set_sum")
"""Of `_challenges`; `_dearest` has the others."""


@dataclass(frozen=True)
class Stage:
    """An operator whose model may be served with attribution sets; its other model's terms are dearer and fixed."""

    flow: OperatorFlow
    challenges: Challenges
    model: int
    floored: int
    datasets: tuple[int, int]


@dataclass(frozen=True)
class Case:
    """A committed batch and what a challenger needs of it."""

    batch: CommittedBatch
    encoded: EncodedBatch
    signatures: tuple[bytes, ...]

    def open(self, position: int) -> Opening:
        """Opening of the element at a position of the run; these batches have one blob."""
        return Opening.of(kzg.open_at(self.encoded.blobs[0], position))


@pytest.fixture(scope="module")
def stage(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with operator_flow(devnet, tmp_path_factory.mktemp("deployments"), ATTESTERS, quorum=2) as flow:
        yield _prepared(flow)


def _prepared(flow: OperatorFlow) -> Stage:
    plain = terms_for([(OWNER, 1_000_000)])
    datasets = (flow.register(b"first data", plain, Kind.DATASET), flow.register(b"more data", plain, Kind.DATASET))
    model = flow.register(b"model", replace(plain, mode=AttributionMode.OPERATOR, data_ppm=500_000, datasets=datasets))
    floored = flow.register(b"floored", replace(plain, floor_output_price_units=OUTPUT_PRICE + 1))
    me = flow.operator.address
    flow.send(flow.operators.set_price(model, INPUT_PRICE, OUTPUT_PRICE))
    flow.send(flow.operators.set_price(floored, INPUT_PRICE, OUTPUT_PRICE))
    flow.send(flow.operators.add_key(0, address_of(flow.lane_key)))
    flow.fund(me, flow.operators.address, BOND, flow.operator)
    flow.send(flow.operators.deposit_bond(me, BOND))
    # It has held something since the first slash ever, which cost 17,100 gas more.
    flow.send(flow.token.mint(BURN_ADDRESS, 1))
    for n, key in enumerate(PAYERS):
        payer = flow.sender(f"challenged payer {n}")
        flow.fund(payer.address, flow.escrow.address, DEPOSIT, payer)
        flow.send(flow.escrow.deposit(payer.address, me, DEPOSIT), payer)
        flow.authorize(key, DEPOSIT)
    return Stage(flow, Challenges(flow.l2, flow.deployment.l2), model, floored, datasets)


def _entries(stage: Stage) -> list[BatchEntry]:
    """Four receipts, two of each payer; the first two have a set each."""
    first, second = (address_of(key) for key in PAYERS)
    fees = [(first, 1_000), (first, 2_000), (second, 3_000), (second, 4_000)]
    one, two = stage.datasets
    sets = [(SetEntry(0, 400_000), SetEntry(one, 600_000)), (SetEntry(one, 250_000), SetEntry(two, 750_000)), (), ()]
    made = []
    for entry, chosen in zip(stage.flow.receipts(stage.model, fees), sets, strict=True):
        receipt = replace(entry.receipt, attribution_hash=attribution_hash(chosen))
        made.append(BatchEntry(receipt, receipt.digest(stage.flow.deployment.receipt_domain), chosen))
    return made


def _committed(stage: Stage, encoded: EncodedBatch) -> Case:
    hashes, _ = stage.flow.post(encoded)
    batch_id, record, _ = stage.flow.commit(encoded, hashes)
    batch = CommittedBatch(batch_id, record, encoded.header, hashes, encoded.charges)
    return Case(batch, encoded, tuple(sign(entry.digest, stage.flow.lane_key) for entry in encoded.entries))


def _falsified(encoded: EncodedBatch) -> EncodedBatch:
    """The batch with a fault for every kind of challenge."""
    count, payers = encoded.header.count, encoded.header.payer_count
    elements = bytearray(encoded.blobs[0])

    def add(position: int, byte: int, value: int) -> None:
        at = position * FE_BYTES + byte
        elements[at] = (elements[at] + value) % 256

    add(1, 31, 1)  # FE 1: baseTime
    add(b_position(0), 23, 1)  # B_0: cumulativeFee, so also the fee of receipt 0
    add(b_position(1), 22, 1)  # B_1: cumulativeFee at payer 0's last receipt
    add(b_position(1), 26, 1)  # B_1: inputUnits
    add(a_position(2), 5, 1)  # A_2
    add(b_position(3), 4, 255)  # B_3: the seqOffset of B_2
    add(b_position(3), 22, 1)  # B_3: cumulativeFee, at the end
    add(p_position(count, 0), 31, 255)  # P_0: its last index, one early
    add(p_position(count, 1), 28, 1)  # P_1: total
    first, second = s_position(count, payers, 0), s_position(count, payers, 1)
    add(first, 0, 1)  # S_0: 2^248
    add(first, 14, 77)  # S_0: the second entry's dataset
    add(first, 17, 1)  # S_0: its ppm
    add(second, 1, 1)  # S_1: part
    return replace(encoded, blobs=(bytes(elements),))


def _challenges(c: Challenges, case: Case) -> dict[str, Callable[[], Call]]:
    """One call of every kind, each at the place where `_falsified` put its fault."""
    batch, entries = case.batch, case.encoded.entries
    count, payers = batch.header.count, batch.header.payer_count
    opened: dict[int, Opening] = {}

    def at(position: int) -> Opening:
        return opened.setdefault(position, case.open(position))

    def a(i: int) -> Opening:
        return at(a_position(i))

    def b(i: int) -> Opening:
        return at(b_position(i))

    def p(n: int) -> Opening:
        return at(p_position(count, n))

    def s(k: int) -> Opening:
        return at(s_position(count, payers, k))

    def signed(i: int) -> tuple[CommittedBatch, Receipt, bytes, int, Opening]:
        return batch, entries[i].receipt, case.signatures[i], i, a(i)

    return {
        "header": lambda: c.challenge_header(batch, 1, at(1)),
        "element": lambda: c.challenge_element(batch, s_position(count, payers, 0), s(0)),
        "charge": lambda: c.challenge_charge(batch, 1, p(1)),
        "receipt": lambda: c.challenge_receipt(batch, 3, b(3)),
        "neighbours": lambda: c.challenge_neighbours(batch, 2, b(2), b(3)),
        "payer_total": lambda: c.challenge_payer_total(batch, 1, b(1), b(2)),
        "payer_last": lambda: c.challenge_payer_last(batch, 0, p(0), 1, b(1)),
        "duplicate": lambda: c.challenge_duplicate(batch, 2, 3, b(2), b(3)),
        "altered": lambda: c.challenge_altered(*signed(2), b(2)),
        "field": lambda: c.challenge_field(*signed(1), b(1)),
        "signed_fee": lambda: c.challenge_signed_fee(*signed(0), [b(0)]),
        "signed_set": lambda: c.challenge_signed_set(*signed(0), b(0), [s(0)]),
        "price": lambda: c.challenge_price(batch, 0, [b(0)]),
        "set_part": lambda: c.challenge_set_part(batch, 1, s(1)),
        "set_neighbours": lambda: c.challenge_set_neighbours(batch, 0, s(0), s(1)),
        "set_sum": lambda: c.challenge_set_sum(batch, 0, [s(0)]),
        "set_pointer": lambda: c.challenge_set_pointer(batch, 1, b(1), [s(1)]),
        "admission": lambda: c.challenge_admission(batch, 0, b(0), 0, 1, [s(0)]),
    }


def _dearest(
    stage: Stage, encoded: EncodedBatch
) -> tuple[EncodedBatch, Callable[[Case], dict[str, Callable[[], Call]]]]:
    """A false batch whose faults the contracts have most to read for, and the proofs of them, of one opening each."""
    elements = bytearray(encoded.blobs[0])

    def put(i: int, byte: int, value: int) -> None:
        at = b_position(i) * FE_BYTES + byte
        elements[at : at + 4] = value.to_bytes(4, "big")

    put(0, 8, stage.floored)  # B_0: an asset whose floor is above the fee, and whose terms forbid its set
    put(1, 8, stage.datasets[0])  # B_1: an asset that can't serve
    put(2, 12, 1)  # B_2: a set that stands among the header's elements

    def calls(case: Case) -> dict[str, Callable[[], Call]]:
        c, batch, b = stage.challenges, case.batch, [case.open(b_position(i)) for i in range(3)]
        return {
            "floor": lambda: c.challenge_floor(batch, 0, [b[0]]),
            "admission in fixed mode": lambda: c.challenge_admission(batch, 0, b[0], 0, 0, []),
            "receipt of a dataset": lambda: c.challenge_receipt(batch, 1, b[1]),
            "set_pointer outside": lambda: c.challenge_set_pointer(batch, 2, b[2], []),
        }

    return replace(encoded, blobs=(bytes(elements),)), calls


def _tried(flow: OperatorFlow, call: Call, name: str) -> int:
    """Gas of the whole transaction by an account that never held the token; afterwards it never was."""
    before = flow.devnet.l2.snapshot()
    challenger = flow.sender(f"challenger by {name}")
    assert flow.token.balance_of(challenger.address, "latest") == 0
    gas_used = flow.send(call, challenger).gas_used
    assert flow.token.balance_of(challenger.address, "latest") > 0
    flow.devnet.l2.revert(before)
    print(f"{name}, by one who never held the token: {gas_used} gas")
    return gas_used


def _now_voided(record: BatchRecord) -> BatchRecord:
    return replace(record, status=BatchStatus.VOIDED, reserve_units=0)


def test_every_challenge_is_refused_by_an_honest_batch(stage: Stage) -> None:
    case = _committed(stage, encode(_entries(stage)))
    for name, make in _challenges(stage.challenges, case).items():
        with pytest.raises(ContractRevertedError) as refused:
            stage.flow.send(make())
        assert refused.value.error_name == "ChallengeInnocent", name
    assert stage.flow.ledger.batch_status(case.batch.batch_id, case.batch.record, "latest") is BatchStatus.OPEN


def test_a_false_batch_is_voided_refunded_and_its_hole_filled(stage: Stage) -> None:
    flow, me = stage.flow, stage.flow.operator.address
    honest = encode(_entries(stage))
    case = _committed(stage, _falsified(honest))
    challenger = flow.sender("challenger")
    gas = {name: _tried(flow, make(), name) for name, make in _challenges(stage.challenges, case).items()}
    assert {name: gas[name] for name in ONE_OPENING if gas[name] > FRAUD_PROOF_GAS} == {}

    batch, record = case.batch, case.batch.record
    flow.send(flow.token.mint(challenger.address, 1))
    proof = _challenges(stage.challenges, case)["price"]()
    voided = flow.send(proof, challenger)
    print(f"fraud proof, one opening, void and slash: {voided.gas_used} gas")
    assert voided.gas_used <= FRAUD_PROOF_GAS
    gone = _now_voided(record)
    assert flow.ledger.batch_status(batch.batch_id, gone, "latest") is BatchStatus.VOIDED
    assert flow.token.balance_of(challenger.address, "latest") == 1 + record.reserve_units // 5
    assert flow.ledger.voiding(batch.batch_id, "latest")[1] == 2

    _refund_each(stage, case, gone)
    # Anvil may give several blocks one second; a refill needs a later one than the voiding's.
    flow.devnet.advance(2)
    again = encode(honest.entries)
    hashes, _ = flow.post(again)
    tx = flow.send(flow.ledger.recommit_batch(batch.batch_id, gone, again.header, hashes, again.charges))
    refilled = replace(
        record,
        committed_at=block_at(flow.l2, tx.block_number).timestamp,
        attested_at=flow.ledger.attested_at(post_hash(hashes), "latest"),
        batch_commitment=batch_commitment(again.header, hashes, again.charges),
    )
    assert flow.ledger.batch_status(batch.batch_id, refilled, "latest") is BatchStatus.OPEN
    funded = flow.distributor.total_funded("latest")
    flow.devnet.advance(7 * DAY + 2)
    flow.send(flow.ledger.finalize_batch(batch.batch_id, refilled))
    assert flow.distributor.total_funded("latest") == funded + again.header.total_fee_units
    assert flow.operators.bond(me, "latest").amount_units == BOND - record.reserve_units


def test_the_dearest_proofs_of_one_opening_keep_to_the_bound_too(stage: Stage) -> None:
    false, proofs = _dearest(stage, encode(_entries(stage)))
    case = _committed(stage, false)
    gas = {name: _tried(stage.flow, make(), name) for name, make in proofs(case).items()}
    assert {name: used for name, used in gas.items() if used > FRAUD_PROOF_GAS} == {}
    assert stage.flow.ledger.batch_status(case.batch.batch_id, case.batch.record, "latest") is BatchStatus.OPEN


def _refund_each(stage: Stage, case: Case, gone: BatchRecord) -> None:
    flow, batch = stage.flow, case.batch
    for n, charge in enumerate(batch.charges):
        before = flow.escrow.account(charge.payer, flow.operator.address, "latest")
        call = flow.ledger.refund(batch.batch_id, gone, batch.header, batch.versioned_hashes, batch.charges, [n])
        tx = flow.send(call, flow.sender("anybody"))
        print(f"refund of one payer: {tx.gas_used} gas")
        assert tx.gas_used <= REFUND_GAS
        after = flow.escrow.account(charge.payer, flow.operator.address, "latest")
        assert after.balance_units == before.balance_units + charge.amount_units
        assert after.collected_units == before.collected_units - charge.amount_units


def test_a_receipt_that_is_never_posted_costs_a_penalty(stage: Stage) -> None:
    flow = stage.flow
    receipt = replace(_entries(stage)[0].receipt, seq=flow.ledger.next_seq(flow.operator.address, 0, "latest") + 5)
    digest = receipt.digest(flow.deployment.receipt_domain)
    assert flow.ledger.receipt_digest(receipt, "latest") == digest
    call = stage.challenges.penalize_unposted(receipt, sign(digest, flow.lane_key))
    with pytest.raises(ContractRevertedError) as early:
        flow.send(call)
    assert early.value.error_name == "ChallengeReceiptNotDue"
    flow.devnet.advance(DAY + 60)
    before = flow.operators.bond(flow.operator.address, "latest").amount_units
    watcher = flow.sender("watcher")
    flow.send(call, watcher)
    penalty = flow.operators.reserve_for(0, "latest")
    assert flow.operators.bond(flow.operator.address, "latest").amount_units == before - penalty
    assert flow.token.balance_of(watcher.address, "latest") == penalty // 5
    assert stage.challenges.penalized_at(flow.operator.address, 0, "latest") > 0
