"""The distribution file: one spelling, nothing that its reader has to take on trust."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import MalformedInputError, NotYetFinalError, WrongRootError
from ledger.protocol.distribution import leaf_hash, verify_proof
from ledger.protocol.entitlement import ProtocolShare
from ledger.protocol.keccak import keccak256
from ledger.protocol.units import ENTITLEMENT_ONE
from settlement.attester import first_difference
from settlement.distribution_file import canonical, parse, parse_frame
from settlement.entitlements import Entitlement, Entitlements
from settlement.proposal import Proposal, propose
from settlement.scope import Scope, ThroughBlock

pytestmark = pytest.mark.unit

SCOPE = Scope(901, b"\xd1" * 20, b"\x70" * 20, ProtocolShare(b"\xee" * 20, 10_000))
THROUGH = ThroughBlock(4711, b"\xb1" * 32)
ALICE, BOB, CAROL = b"\x0a" * 20, b"\x0b" * 20, b"\x0c" * 20

amounts = st.one_of(st.integers(1, ENTITLEMENT_ONE), st.integers(1, 10**60))
earnings = st.dictionaries(st.binary(min_size=20, max_size=20), amounts, min_size=1, max_size=8)


def entitlements(owed: dict[bytes, int], withheld: tuple[int, ...] = ()) -> Entitlements:
    lines = tuple(Entitlement(payee, owed[payee]) for payee in sorted(owed))
    return Entitlements(sum(owed.values()) // ENTITLEMENT_ONE, withheld, lines)


def proposal(owed: dict[bytes, int], root_index: int = 3, withheld: tuple[int, ...] = ()) -> Proposal:
    return propose(SCOPE, root_index, THROUGH, entitlements(owed, withheld))


@given(earnings)
def test_a_file_is_read_back_as_it_was_written(owed: dict[bytes, int]) -> None:
    owed[ALICE] = 5 * ENTITLEMENT_ONE
    made = proposal(owed)
    assert parse(made.content) == made.file
    assert made.message.data_hash == keccak256(made.content)


@given(earnings)
def test_every_payee_of_a_whole_unit_has_a_proof_and_nobody_else(owed: dict[bytes, int]) -> None:
    owed[ALICE] = 5 * ENTITLEMENT_ONE
    made = proposal(owed)
    whole = {payee: numerator // ENTITLEMENT_ONE for payee, numerator in owed.items()}
    assert dict(made.tree.payouts) == {payee: units for payee, units in whole.items() if units}
    assert made.message.total_cumulative_units == sum(whole.values()) == made.file.total_cumulative_units
    for payee, units in made.tree.payouts:
        assert verify_proof(made.message.root, leaf_hash(payee, SCOPE.token, units), made.tree.proof(payee))


def test_the_bytes_are_those_of_the_specification() -> None:
    made = proposal({ALICE: 7 * ENTITLEMENT_ONE + 1, BOB: ENTITLEMENT_ONE - 1}, withheld=(9,))
    assert made.content == (
        b'{"chainId":901,"denominator":"1000000000000000000000000000000","distributor":"0x' + b"d1" * 20 + b'","fees":"8",'
        b'"format":"tributary/distribution/1","payees":[{"cumulative":"7","numerator":"7000000000000000000000000000001",'
        b'"payee":"0x' + b"0a" * 20 + b'"},{"cumulative":"0","numerator":"999999999999999999999999999999","payee":"0x'
        + b"0b" * 20 + b'"}],"root":"0x' + made.tree.root.hex().encode() + b'","rootIndex":3,"throughL2Block":4711,'
        b'"throughL2BlockHash":"0x' + b"b1" * 32 + b'","token":"0x' + b"70" * 20 + b'","totalCumulative":"7",'
        b'"withheldBatches":[9]}'
    )  # fmt: skip


def test_nothing_is_proposed_before_somebody_earned_a_whole_unit() -> None:
    with pytest.raises(NotYetFinalError, match="whole base unit"):
        proposal({ALICE: ENTITLEMENT_ONE - 1})


def altered(**changes: object) -> bytes:
    document = json.loads(proposal({ALICE: 7 * ENTITLEMENT_ONE, BOB: ENTITLEMENT_ONE}).content)
    return canonical(document | changes)


LINE = {"payee": "0x" + "0a" * 20, "numerator": str(ENTITLEMENT_ONE), "cumulative": "1"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        b"[]",
        b"[" * 100_000,
        altered(format="tributary/distribution/2"),
        altered(rootIndex="3"),
        altered(rootIndex=True),
        altered(rootIndex=-1),
        altered(rootIndex=3.0),
        altered(totalCumulative="9"),
        altered(fees="+8"),
        altered(fees=8),
        altered(fees="8" * 81),
        altered(fees="٨"),
        altered(token="0x00"),
        altered(payees=None),
        altered(payees=[LINE, LINE]),
        altered(payees=[LINE | {"cumulative": "2"}]),
        altered(payees=[{"payee": LINE["payee"]}]),
        altered(withheldBatches=["1"]),
        altered(note="more"),
        b" " + altered(),
        altered().replace(b'"fees":', b'"fees": '),
        altered().replace(b"0x" + b"0a" * 20, b"0x" + b"0A" * 20),
    ],
)
def test_any_other_form_is_refused_in_one_sentence(content: bytes) -> None:
    with pytest.raises(MalformedInputError):
        parse(content)


@given(earnings)
def test_the_frame_is_the_file_without_its_payees(owed: dict[bytes, int]) -> None:
    owed[ALICE] = 5 * ENTITLEMENT_ONE
    made = proposal(owed, withheld=(3, 9))
    frame = parse_frame(made.content)
    assert (frame.root_index, frame.through, frame.root) == (made.file.root_index, made.file.through, made.file.root)
    assert frame.entitlements.withheld_batches == (3, 9)
    assert frame.entitlements.lines == ()


WHOLE = proposal({ALICE: 7 * ENTITLEMENT_ONE, BOB: 5}).content


@given(st.integers(0, len(WHOLE)), st.integers(0, 40), st.binary(max_size=40))
def test_mangled_bytes_are_read_as_something_or_refused_and_nothing_else(at: int, cut: int, put: bytes) -> None:
    mangled = WHOLE[:at] + put + WHOLE[at + cut :]
    for read in (parse_frame, parse):
        try:
            read(mangled)
        except MalformedInputError:
            continue
        if read is parse:
            assert parse(mangled).to_bytes() == mangled


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b'"payees":[],"root":', b'{"payees":[],"root":"0x"}', b"[" * 100_000]
)
def test_what_has_no_frame_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedInputError):
        parse_frame(content)


def difference(proposed: dict[bytes, int], computed: dict[bytes, int]) -> WrongRootError:
    return first_difference(proposal(proposed).file, proposal(computed).file)


UNITS = ENTITLEMENT_ONE


@pytest.mark.parametrize(
    ("proposed", "computed", "payee", "values"),
    [
        ({ALICE: 5 * UNITS, BOB: UNITS}, {ALICE: 5 * UNITS, BOB: UNITS + 1}, BOB, (UNITS, UNITS + 1)),
        ({ALICE: 6 * UNITS, BOB: UNITS}, {ALICE: 5 * UNITS, BOB: UNITS + 1}, ALICE, (6 * UNITS, 5 * UNITS)),
        ({ALICE: UNITS, BOB: UNITS, CAROL: UNITS}, {ALICE: UNITS, CAROL: 2 * UNITS}, BOB, (UNITS, 0)),
        ({ALICE: UNITS, CAROL: 2 * UNITS}, {ALICE: UNITS, BOB: UNITS, CAROL: UNITS}, BOB, (0, UNITS)),
        ({ALICE: UNITS}, {ALICE: UNITS, BOB: 1}, BOB, (0, 1)),
        ({ALICE: UNITS, BOB: 1}, {ALICE: UNITS}, BOB, (1, 0)),
    ],
)
def test_the_first_payee_that_differs_is_named(
    proposed: dict[bytes, int], computed: dict[bytes, int], payee: bytes, values: tuple[int, int]
) -> None:
    error = difference(proposed, computed)
    assert (error.payee, (error.proposed, error.computed)) == (payee, values)


def test_other_differences_are_named_too() -> None:
    same = {ALICE: 3 * UNITS}
    assert "withhold different batches" in str(
        first_difference(proposal(same, withheld=(1,)).file, proposal(same).file)
    )
    content = json.loads(proposal(same).content) | {"root": "0x" + "99" * 32}
    assert "give root" in str(first_difference(parse(canonical(content)), proposal(same).file))
    content = json.loads(proposal(same).content) | {"fees": "4"}
    assert "fees" in str(first_difference(parse(canonical(content)), proposal(same).file))
