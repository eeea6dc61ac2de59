"""The golden vectors, made by other people's encoders, hold for ours."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from ledger.protocol import batch, distribution
from ledger.protocol.attribution import SetEntry, attribution_hash
from ledger.protocol.authorization import AUTHORIZATION_TYPE, SpendAuthorization
from ledger.protocol.blob import kzg
from ledger.protocol.blob.encode import BatchEntry, encode
from ledger.protocol.domain import Domain
from ledger.protocol.entitlement import (
    EffectiveShare,
    ProtocolShare,
    RoyaltyTerms,
    WeightedFee,
    floor_units,
    numerators,
    weights,
)
from ledger.protocol.hexadecimal import from_hex, to_hex
from ledger.protocol.keccak import keccak256
from ledger.protocol.receipt import RECEIPT_TYPE, Receipt
from ledger.protocol.signature import address_of, private_key, recover, sign
from ledger.protocol.units import ENTITLEMENT_ONE

pytestmark = pytest.mark.unit
VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "protocol.json").read_text())


def raw(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def domain(vector: dict) -> Domain:
    return Domain(vector["chainId"], from_hex(vector["verifyingContract"], 20))


def check_signed(vector: dict, type_string: str, struct_hash: bytes) -> None:
    assert vector["type"] == type_string
    assert vector["typehash"] == to_hex(keccak256(type_string.encode()))
    assert vector["domainSeparator"] == to_hex(domain(vector).separator)
    assert vector["structHash"] == to_hex(struct_hash)
    digest = domain(vector).digest(struct_hash)
    assert vector["digest"] == to_hex(digest)
    key = private_key(raw(vector["privateKey"]))
    assert sign(digest, key) == raw(vector["signature"])
    assert recover(digest, raw(vector["signature"])) == address_of(key) == from_hex(vector["signer"], 20)


@pytest.mark.parametrize("vector", VECTORS["receipts"])
def test_a_receipt_hashes_and_signs_as_typed_data(vector):
    message = vector["message"] | {"feeUnits": str(vector["message"]["feeUnits"])}
    receipt = Receipt.from_json(message)
    check_signed(vector, RECEIPT_TYPE, receipt.struct_hash())
    assert Receipt.from_json(json.loads(json.dumps(receipt.to_json()))) == receipt


def test_a_spend_authorization_hashes_and_signs_as_typed_data():
    vector = VECTORS["authorization"]
    m = vector["message"]
    authorization = SpendAuthorization(
        from_hex(m["payer"], 20), from_hex(m["operator"], 20), m["cumulativeCap"], m["validUntil"]
    )
    check_signed(vector, AUTHORIZATION_TYPE, authorization.struct_hash())
    sent = json.loads(json.dumps(authorization.signed_json(raw(vector["signature"]))))
    message = {name: str(value) if name == "cumulativeCap" else value for name, value in m.items()}
    assert sent["signature"] == vector["signature"]
    assert sent["authorization"] == message | {name: message[name].lower() for name in ("payer", "operator")}
    assert SpendAuthorization.from_json(sent["authorization"]) == SpendAuthorization.from_json(m) == authorization


def test_a_distribution_hashes_and_signs_as_typed_data():
    vector = VECTORS["distribution"]
    m = vector["message"]
    message = distribution.Distribution(
        m["rootIndex"], raw(m["root"]), m["totalCumulative"], m["throughL2Block"], raw(m["throughL2BlockHash"]),
        raw(m["dataHash"]),
    )  # fmt: skip
    check_signed(vector, distribution.DISTRIBUTION_TYPE, message.struct_hash())


@pytest.mark.parametrize("vector", VECTORS["batchCommitments"])
def test_a_batch_commitment_is_the_hash_of_its_abi_encoding(vector):
    h = vector["header"]
    header = batch.BatchHeader(
        operator=raw(h["operator"]), lane=h["lane"], first_seq=h["firstSeq"], count=h["count"],
        payer_count=h["payerCount"], set_fe_count=h["setFeCount"], total_fee_units=h["totalFee"],
        blob_count=h["blobCount"], base_time=h["baseTime"], attribution_method=raw(h["attributionMethod"]),
        attribution_params_hash=raw(h["attributionParamsHash"]),
    )  # fmt: skip
    hashes = [raw(v) for v in vector["versionedHashes"]]
    charges = [batch.Charge(raw(c["payer"]), c["amount"]) for c in vector["charges"]]
    assert to_hex(batch.batch_commitment(header, hashes, charges)) == vector["batchCommitment"]
    assert to_hex(batch.post_hash(hashes)) == vector["postHash"]


@pytest.mark.parametrize("vector", VECTORS["trees"])
def test_a_distribution_tree_is_openzeppelins(vector):
    token = raw(vector["token"])
    payouts = [distribution.Payout(raw(c["payee"]), int(c["cumulative"])) for c in vector["claims"]]
    tree = distribution.DistributionTree(payouts, token)
    assert to_hex(tree.root) == vector["root"]
    for claim, payout in zip(vector["claims"], payouts, strict=True):
        assert [to_hex(p) for p in tree.proof(payout.payee)] == claim["proof"]


def test_a_batch_packs_to_the_written_field_elements():
    vector = VECTORS["blob"]
    entries = []
    for r in vector["receipts"]:
        receipt = Receipt(
            operator=raw(vector["operator"]), lane=vector["lane"], seq=r["seq"], payer=raw(r["payer"]),
            asset_id=r["assetId"], request_hash=bytes(32), response_hash=bytes(32), input_units=r["inputUnits"],
            output_units=r["outputUnits"], fee_units=int(r["feeUnits"]), attribution_hash=bytes(32),
            started_at=r["startedAt"], duration_ms=0,
        )  # fmt: skip
        entries.append(BatchEntry(receipt, raw(r["digest"]), tuple(SetEntry(*entry) for entry in r["set"])))
    blob = encode(entries[::-1]).blobs[0]
    expected = b"".join(raw(element) for element in vector["elements"])
    assert blob == expected.ljust(len(blob), b"\0")
    commitment = kzg.kzg_commitment(blob)
    assert to_hex(commitment) == vector["kzgCommitment"]
    assert to_hex(kzg.versioned_hash(commitment)) == vector["versionedHash"]
    assert to_hex(attribution_hash(entries[1].attribution)) == vector["attributionHash"]


def test_an_entitlement_is_the_written_fraction():
    vector = VECTORS["entitlement"]

    def shares(of: str) -> tuple[EffectiveShare, ...]:
        return tuple(EffectiveShare(raw(payee), int(share)) for payee, share in vector[of].items())

    asset = RoyaltyTerms(
        vector["royaltyPpm"],
        vector["dataPpm"],
        by_attribution=True,
        datasets=frozenset({9}),
        effective=shares("effective"),
    )
    dataset = RoyaltyTerms(0, 0, by_attribution=False, datasets=frozenset(), effective=shares("datasetEffective"))
    entries = [SetEntry(*entry) for entry in vector["set"]]
    sums = [
        WeightedFee(raw(vector["operator"]), 7, 1, dataset_id, version, int(vector["feeUnits"]) * ppm)
        for dataset_id, version, ppm in weights(asset, entries, lambda _: 1)
    ]
    protocol = ProtocolShare(raw(vector["protocolPayee"]), vector["protocolPpm"])
    owed = numerators(sums, {(7, 1): asset, (9, 1): dataset}, protocol)
    assert {payee: Fraction(n, ENTITLEMENT_ONE) for payee, n in owed.items()} == {
        raw(payee): Fraction(amount) for payee, amount in vector["owed"].items()
    }
    assert {payee: floor_units(n) for payee, n in owed.items()} == {
        raw(payee): int(units) for payee, units in vector["cumulativeUnits"].items()
    }


OPENINGS = json.loads((Path(__file__).parents[2] / "vectors" / "openings.json").read_text())


@pytest.mark.parametrize("vector", OPENINGS["openings"], ids=lambda vector: str(vector["index"]))
def test_an_opening_that_the_contracts_take_verifies_here(vector):
    both = raw(vector["commitmentAndProof"])
    opening = kzg.Opening(vector["index"], raw(vector["z"]), raw(vector["value"]), both[:48], both[48:])
    assert kzg.verify_opening(opening, raw(OPENINGS["versionedHash"]))
    assert not kzg.verify_opening(opening._replace(y=raw(vector["z"])), raw(OPENINGS["versionedHash"]))
