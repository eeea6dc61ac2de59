"""Whatever is tampered with, wherever in the pipeline: `tributary audit` exits 1 and names the first difference."""

import json

import psycopg
import pytest

from ledger.protocol.signature import sign
from tests.e2e.pipeline_world import FIRST, SECOND, api_server

pytestmark = pytest.mark.e2e


def test_an_honest_pipeline_has_no_difference(pipeline, pipeline_url):
    with api_server(pipeline_url) as api:
        code, report, output = pipeline.audit(api)
    assert report["found"] == []
    assert (code, report["receipts"], report["roots"]) == (0, FIRST + SECOND, 1)
    assert 0 < int(report["paid_units"]) < int(report["distributed_units"])
    assert report["api_fields_compared"] > (FIRST + SECOND) * 15
    assert "0 differences" in output


def test_an_honest_second_distribution_has_no_difference(pipeline, pipeline_url, undone):
    pipeline.settle(pipeline_url)
    with api_server(pipeline_url) as api:
        code, report, _ = pipeline.audit(api)
    assert report["found"] == []
    assert (code, report["roots"], report["paid_units"]) == (0, 2, report["distributed_units"])


def test_the_clients_own_receipts_are_all_found(pipeline, tmp_path):
    for receipt in pipeline.receipts:
        digest = receipt.digest(pipeline.flow.deployment.receipt_domain)
        document = {"receipt": receipt.to_json(), "signature": "0x" + sign(digest, pipeline.flow.lane_key).hex()}
        (tmp_path / f"{receipt.lane}-{receipt.seq}.json").write_text(json.dumps(document))
    code, report, _ = pipeline.audit(None, "--receipts", str(tmp_path))
    assert (code, report["kept_receipts"]) == (0, {"found": FIRST + SECOND, "waiting": 0})


# -- a blob -------------------------------------------------------------------------------------------------------


def test_a_changed_byte_of_an_archived_blob_is_named(pipeline):
    path = min(pipeline.archive.rglob("*.blob"))
    true = path.read_bytes()
    path.write_bytes(true[:400] + bytes([true[400] ^ 1]) + true[401:])
    try:
        code, report, output = pipeline.audit()
    finally:
        path.write_bytes(true)
    assert (code, report["differences"]) == (1, 1)
    assert report["first"]["field"] == "blob 0 at the archive, element 12"
    assert report["first"]["batch"] in (1, 2)
    assert "blob 0 at the archive, element 12 must be 0x" in output


# -- a row in Postgres --------------------------------------------------------------------------------------------

ROWS = [
    ("a fee", "UPDATE receipts SET fee_units = fee_units + 1 WHERE (batch_id, position) = (1, 4)", 4, "fee.units"),
    (
        "a digest",
        (
            "UPDATE receipts SET digest31 = set_byte(digest31, 30, get_byte(digest31, 30) # 1)"
            " WHERE (batch_id, position) = (2, 3)"
        ),
        3,
        "digest31",
    ),
    (
        "a payer",
        "UPDATE receipts SET payer = (SELECT max(payer) FROM charges) WHERE (batch_id, position) = (1, 0)",
        0,
        "payer",
    ),
    ("its units", "UPDATE receipts SET output_units = 8 WHERE (batch_id, position) = (1, 9)", 9, "output_units"),
    (
        "an attribution set",
        "UPDATE attribution_sets SET ppms = ARRAY[250002, 749998] WHERE ppms[1] = 250001 AND batch_id = 2",
        None,
        "attribution_set",
    ),
    ("a receipt that is gone", "DELETE FROM receipts WHERE (batch_id, position) = (2, 11)", 11, "receipt"),
    (
        "a sum",
        "UPDATE batch_sums SET weighted_fee_units = weighted_fee_units + 1 WHERE batch_id = 1 AND dataset_id = 0",
        None,
        "sums of asset",
    ),
    (
        "a charge",
        "UPDATE charges SET amount_units = amount_units + 1 WHERE (batch_id, position) = (1, 0)",
        None,
        "charges",
    ),
    ("a total", "UPDATE batches SET total_fee_units = total_fee_units + 1 WHERE batch_id = 2", None, "total_fee.units"),
    (
        "a split",
        (
            "UPDATE effective_shares SET share = share + CASE position WHEN 0 THEN 1 ELSE -1 END"
            " WHERE asset_id = 1 AND position < 2"
        ),
        None,
        "effective_shares",
    ),
    ("a royalty", "UPDATE terms SET royalty_ppm = royalty_ppm + 1 WHERE asset_id = 4", None, "royalty_ppm"),
    (
        "a claim",
        "UPDATE claims SET amount_units = amount_units + 1 WHERE payee = (SELECT min(payee) FROM claims)",
        None,
        "paid.units",
    ),
    (
        "a published entitlement",
        (
            "UPDATE entitlements SET cumulative_units = cumulative_units + 1, numerator = numerator + 1e30"
            " WHERE payee = (SELECT max(payee) FROM claims)"
        ),
        None,
        "claimable.units",
    ),
    (
        "a movement",
        (
            "UPDATE movements SET amount_units = amount_units + 1"
            " WHERE ctid = (SELECT ctid FROM movements WHERE bucket = 'escrow' LIMIT 1)"
        ),
        None,
        "conservation.holds",
    ),
]


@pytest.mark.parametrize(("tamper", "position", "field"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_tampered_row_in_postgres_is_named(pipeline, pipeline_url, tamper, position, field):
    with psycopg.connect(pipeline_url) as connection:
        assert connection.execute(tamper).rowcount >= 1
    with api_server(pipeline_url) as api:
        code, report, output = pipeline.audit(api)
    first = report["first"]
    assert code == 1
    assert (first["kind"], first["field"].startswith(field)) == ("api", True), first
    assert position is None or first["position"] == position
    assert output.splitlines()[-1].endswith(f"must be {first['expected']} but is {first['found']}.")
