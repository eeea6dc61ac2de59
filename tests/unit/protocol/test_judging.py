"""Every fault that is found has a proof that opens what is there; an honest batch has none."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain.abi import load_abi
from ledger.errors import BlobFormatError, MalformedInputError
from ledger.protocol.attribution import SetEntry, attribution_hash
from ledger.protocol.blob.decode import decode
from ledger.protocol.blob.faults import Rule, find_faults
from ledger.protocol.blob.layout import BLOB_BYTES, FE_BYTES, a_position, b_position, s_position, used_fes
from ledger.protocol.blob.sets import well_formed_sets
from ledger.protocol.judging.format import format_proof, header_proof
from ledger.protocol.judging.proof import Challenge, Element
from ledger.protocol.judging.rulebook import TermsWindow
from ledger.protocol.judging.signed import signed_proofs
from ledger.protocol.judging.terms import terms_proofs
from ledger.protocol.receipt import SignedReceipt
from ledger.protocol.stripping import DONE, comment, mark_json, receipt_member
from ledger.protocol.units import POST_DEADLINE_SECONDS
from ledger.receipt_files import keep_receipt, read_receipt, read_receipts
from tests.factories.honest_batches import T0, cases
from watcher.calls import FUNCTIONS
from watcher.judging import proofs

pytestmark = pytest.mark.unit

WINDOW = TermsWindow(T0 - POST_DEADLINE_SECONDS, T0)
quick = settings(max_examples=40, deadline=None)
SET_PARTS = st.tuples(st.integers(0, 30), st.integers(0, 255))


def signed(case):
    """The receipts as clients hold them."""
    return [SignedReceipt(entry.receipt, entry.digest, bytes(65)) for entry in case.encoded.entries]


@quick
@given(cases())
def test_nothing_is_proven_of_an_honest_batch(case):
    columns = decode(case.blobs)
    assert header_proof(case.blobs, case.encoded.header) is None
    assert find_faults(columns, case.encoded.header, case.encoded.charges) == []
    found = terms_proofs(columns, well_formed_sets(columns), case.rulebook, WINDOW)
    assert {proof.challenge for proof in found} <= {Challenge.ADMISSION}, "sets of the factory may be anything"
    assert [proof for receipt in signed(case) for proof in signed_proofs(columns, receipt)] == []


@quick
@given(cases(), st.data())
def test_every_fault_that_is_found_has_a_proof_that_opens_used_elements(case, data):
    header = case.encoded.header
    used = used_fes(header.count, header.payer_count, header.set_fe_count)
    blob = bytearray(case.blobs[0])
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(2, min(used, 4096) - 1))
        byte = data.draw(st.integers(1, FE_BYTES - 1))
        blob[position * FE_BYTES + byte] ^= data.draw(st.integers(1, 255))
    blobs = [bytes(blob), *case.blobs[1:]]
    columns = decode(blobs)
    faults = find_faults(columns, header, case.encoded.charges)
    for fault in faults:
        proof = format_proof(fault, columns)
        assert proof.rule == fault.rule
        assert proof.positions, proof
        assert max(proof.positions) < used
        assert all(isinstance(part, int | Element | tuple) for part in proof.arguments)


@quick
@given(cases(), st.data())
def test_whatever_a_receipt_says_that_was_not_signed_is_proven_by_it(case, data):
    header = case.encoded.header
    i = data.draw(st.integers(0, header.count - 1))
    at = data.draw(st.sampled_from((a_position(i), b_position(i)))) * FE_BYTES + data.draw(st.integers(1, 31))
    blob = bytearray(case.blobs[0])
    if at >= len(blob):
        return
    blob[at] ^= data.draw(st.integers(1, 255))
    columns = decode([bytes(blob), *case.blobs[1:]])
    if find_faults(columns, header, case.encoded.charges):
        return
    found = [proof for receipt in signed(case) for proof in signed_proofs(columns, receipt)]
    assert found or columns.set_position[i] != decode(case.blobs).set_position[i], "a pointer to an equal set"


@quick
@given(cases(with_sets=True), SET_PARTS, st.data())
def test_every_malformed_set_has_a_proof(case, change, data):
    header = case.encoded.header
    if not header.set_fe_count:
        return
    k = data.draw(st.integers(0, header.set_fe_count - 1))
    at = s_position(header.count, header.payer_count, k) * FE_BYTES + 1 + change[0]
    blob = bytearray(case.blobs[0])
    blob[at] = change[1]
    columns = decode([bytes(blob), *case.blobs[1:]])
    faults = find_faults(columns, header, case.encoded.charges)
    malformed = [fault for fault in faults if fault.rule is Rule.SET_MALFORMED]
    assert bool(malformed) == (well_formed_sets(columns) is None)
    for fault in malformed:
        assert format_proof(fault, columns).challenge in (
            Challenge.SET_PART,
            Challenge.SET_NEIGHBOURS,
            Challenge.SET_SUM,
        )


@quick
@given(cases(), st.binary(max_size=64), st.integers(0, 63))
def test_bytes_that_can_not_be_read_are_proven_by_the_header(case, noise, at):
    blob = bytearray(case.blobs[0])
    blob[at : at + len(noise)] = noise
    blobs = [bytes(blob[:BLOB_BYTES]), *case.blobs[1:]]
    try:
        columns = decode(blobs)
    except BlobFormatError:
        assert header_proof(blobs, case.encoded.header) is not None
    else:
        of_header = {f.rule for f in find_faults(columns, case.encoded.header, case.encoded.charges)} & {Rule.HEADER}
        assert bool(of_header) == (header_proof(blobs, case.encoded.header) is not None)


def test_the_cheapest_proof_of_a_false_header_needs_no_rules():
    def no_rules(_ids):
        raise AssertionError

    @quick
    @given(cases())
    def check(case):
        blob = bytearray(case.blobs[0])
        blob[1] ^= 7  # the format
        (proof,) = proofs(case.batch, [bytes(blob), *case.blobs[1:]], [], no_rules)
        assert (proof.challenge, proof.positions) == (Challenge.HEADER, (0,))

    check()


@quick
@given(case=cases(with_sets=False), taken=st.integers(1, 400))
def test_a_receipt_kept_comes_back_and_a_torn_file_is_told(tmp_path_factory, case, taken):
    folder = tmp_path_factory.mktemp("kept")
    receipt = case.encoded.entries[0].receipt
    path = keep_receipt(folder, {"receipt": receipt.to_json(), "signature": "0x" + "ab" * 65})
    (kept,) = read_receipts(folder)
    assert (kept.receipt, kept.signature) == (receipt, b"\xab" * 65)
    whole = path.read_bytes()
    path.write_bytes(whole[: -min(taken, len(whole))])
    with pytest.raises(MalformedInputError, match="is not a signed receipt"):
        read_receipt(path)


def mark_stream(stream, envelope):
    return stream.removesuffix(DONE) + comment(envelope) + DONE


@pytest.mark.parametrize("mark", [mark_json, mark_stream], ids=["whole", "streamed"])
def test_a_transcript_is_as_good_as_its_receipt(tmp_path, mark):
    @quick
    @given(cases(with_sets=False))
    def check(case):
        receipt = case.encoded.entries[0].receipt
        envelope = receipt_member({"receipt": receipt.to_json(), "signature": "0x" + "ab" * 65})
        body = b'{"id":"chatcmpl-1"}' if mark is mark_json else b'data: {"id":"chatcmpl-1"}\n\ndata: [DONE]\n\n'
        path = tmp_path / "transcript.json"
        answer = b64encode(mark(body, envelope)).decode()
        path.write_text(json.dumps({"format": "tributary transcript 1", "request": "", "answer": answer}))
        assert read_receipt(path).receipt == receipt

    check()


def test_every_challenge_is_a_function_of_the_contract_that_takes_the_proofs_arguments():
    abis = [load_abi(name) for name in ("FormatChallenges", "ReceiptChallenges")]
    functions = {name for abi in abis for name in abi.functions if name.startswith("challenge")}
    assert {challenge.value for challenge in Challenge} == functions
    assert set(FUNCTIONS) == set(Challenge)
    for challenge, function in FUNCTIONS.items():
        name = re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), challenge.value)
        assert function.__name__ == name


@quick
@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_a_file_of_anything_is_told(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("kept") / "file.json"
    path.write_bytes(content)
    with pytest.raises(MalformedInputError, match="is not a signed receipt"):
        read_receipt(path)


def test_a_set_that_was_not_signed_is_proven_by_all_of_its_parts():
    @quick
    @given(cases(), st.data())
    def check(case, data):
        with_set = [entry for entry in case.encoded.entries if entry.attribution]
        if not with_set:
            return
        entry = data.draw(st.sampled_from(with_set))
        other = attribution_hash((SetEntry(1, 1_000_000),))
        held = SignedReceipt(_with_hash(entry.receipt, other), entry.digest, bytes(65))
        found = list(signed_proofs(decode(case.blobs), held))
        if entry.receipt.attribution_hash != other:
            assert [proof.challenge for proof in found] == [Challenge.SIGNED_SET]
            assert len(found[0].arguments[-1]) == -(-len(entry.attribution) // 4)

    check()


def _with_hash(receipt, attribution):
    return replace(receipt, attribution_hash=attribution)
