"""Writes the golden vectors of tests/vectors/protocol.json with other people's encoders.

Digests come from eth_account's generic typed-data encoder and eth_abi, signatures from eth_account:
nothing here imports ledger.protocol, so the vectors are a second opinion. Run it by hand after a
deliberate change of the protocol: `python tests/vectors/make.py`.
"""

import hashlib
import json
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import ckzg
from eth_abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils import keccak, to_checksum_address

KEY = "0x" + "11" * 32
SETUP = files("eth_account") / "typed_transactions" / "blob_transactions" / "kzg_trusted_setup.txt"
CHAIN_ID = 901
LEDGER, ESCROW, DISTRIBUTOR, TOKEN = (to_checksum_address(bytes([i]) * 20) for i in (0xA1, 0xA2, 0xA3, 0xA4))
OPERATOR, PAYER, OTHER = (to_checksum_address(bytes([i]) * 20) for i in (0xB1, 0xB2, 0xB3))
DOMAIN_FIELDS = [("name", "string"), ("version", "string"), ("chainId", "uint256"), ("verifyingContract", "address")]


def fields(text: str) -> list[dict[str, str]]:
    pairs = [part.split() for part in text.split(",")]
    return [{"name": name, "type": kind} for kind, name in pairs]


RECEIPT = (
    "address operator,uint16 lane,uint64 seq,address payer,uint32 assetId,bytes32 requestHash,bytes32 responseHash,"
    "uint24 inputUnits,uint24 outputUnits,uint64 feeUnits,bytes32 attributionHash,uint40 startedAt,uint32 durationMs"
)
AUTHORIZATION = "address payer,address operator,uint64 cumulativeCap,uint40 validUntil"
DISTRIBUTION = (
    "uint64 rootIndex,bytes32 root,uint256 totalCumulative,uint64 throughL2Block,bytes32 throughL2BlockHash,"
    "bytes32 dataHash"
)


def signed(name: str, members: str, contract: str, message: dict) -> dict:
    typed = {
        "types": {"EIP712Domain": [{"name": n, "type": t} for n, t in DOMAIN_FIELDS], name: fields(members)},
        "primaryType": name,
        "domain": {"name": "Tributary", "version": "1", "chainId": CHAIN_ID, "verifyingContract": contract},
        "message": message,
    }
    signable = encode_typed_data(full_message=typed)
    signature = Account.sign_message(signable, KEY)
    return {
        "type": f"{name}({members})",
        "typehash": "0x" + keccak(text=f"{name}({members})").hex(),
        "chainId": CHAIN_ID,
        "verifyingContract": contract,
        "domainSeparator": "0x" + signable.header.hex(),
        "structHash": "0x" + signable.body.hex(),
        "message": {k: "0x" + v.hex() if isinstance(v, bytes) else v for k, v in message.items()},
        "digest": "0x" + keccak(b"\x19\x01" + signable.header + signable.body).hex(),
        "privateKey": KEY,
        "signer": Account.from_key(KEY).address,
        "signature": "0x" + signature.signature.hex(),
    }


def receipts() -> list[dict]:
    small = {
        "operator": OPERATOR, "lane": 0, "seq": 0, "payer": PAYER, "assetId": 1, "requestHash": keccak(b"q"),
        "responseHash": keccak(b"a"), "inputUnits": 0, "outputUnits": 0, "feeUnits": 0, "attributionHash": bytes(32),
        "startedAt": 0, "durationMs": 0,
    }  # fmt: skip
    usual = small | {
        "lane": 3, "seq": 41, "assetId": 7, "inputUnits": 1020, "outputUnits": 129, "feeUnits": 4242,
        "attributionHash": keccak((7).to_bytes(4, "big") + (1_000_000).to_bytes(3, "big")),
        "startedAt": 1_763_600_000, "durationMs": 1871,
    }  # fmt: skip
    largest = usual | {
        "lane": 2**16 - 1, "seq": 2**64 - 1, "assetId": 2**32 - 1, "inputUnits": 2**24 - 1, "outputUnits": 2**24 - 1,
        "feeUnits": 2**64 - 1, "startedAt": 2**40 - 1, "durationMs": 2**32 - 1,
    }  # fmt: skip
    return [signed("InferenceReceipt", RECEIPT, LEDGER, m) for m in (small, usual, largest)]


HEADER = "(address,uint16,uint64,uint24,uint24,uint24,uint128,uint8,uint40,bytes32,bytes32)"


def commitments() -> list[dict]:
    out = []
    for payers, blobs in ((1, 1), (2, 6)):
        header = (OPERATOR, 3, 41, 5, payers, 0, 900 * payers, blobs, 1_763_600_000, keccak(b"attr/1"), bytes(32))
        hashes = [b"\x01" + keccak(bytes([i]))[1:] for i in range(blobs)]
        charges = [(payer, 900) for payer in (PAYER, OTHER)[:payers]]
        data = encode([HEADER, "bytes32[]", "(address,uint64)[]"], [header, hashes, charges])
        names = [
            "operator",
            "lane",
            "firstSeq",
            "count",
            "payerCount",
            "setFeCount",
            "totalFee",
            "blobCount",
            "baseTime",
            "attributionMethod",
            "attributionParamsHash",
        ]
        shown = {n: "0x" + v.hex() if isinstance(v, bytes) else v for n, v in zip(names, header, strict=True)}
        out.append({
            "header": shown,
            "versionedHashes": ["0x" + h.hex() for h in hashes],
            "charges": [{"payer": p, "amount": a} for p, a in charges],
            "batchCommitment": "0x" + keccak(data).hex(),
            "postHash": "0x" + keccak(b"".join(hashes)).hex(),
        })  # fmt: skip
    return out


def tree(n: int) -> dict:
    """OpenZeppelin's StandardMerkleTree, rebuilt from its documentation."""
    payouts = [(to_checksum_address(keccak(bytes([i]))[:20]), 10**i) for i in range(1, n + 1)]
    leaves = sorted(keccak(keccak(encode(["address", "address", "uint256"], [p, TOKEN, a]))) for p, a in payouts)
    nodes = [b""] * (n - 1) + leaves[::-1]
    for i in range(n - 2, -1, -1):
        nodes[i] = keccak(b"".join(sorted(nodes[2 * i + 1 : 2 * i + 3])))
    proofs = []
    for payee, amount in payouts:
        i = nodes.index(keccak(keccak(encode(["address", "address", "uint256"], [payee, TOKEN, amount]))))
        proof = []
        while i:
            proof.append("0x" + nodes[i + 1 if i % 2 else i - 1].hex())
            i = (i - 1) // 2
        proofs.append({"payee": payee, "cumulative": str(amount), "proof": proof})
    return {"token": TOKEN, "root": "0x" + nodes[0].hex(), "claims": proofs}


def blob_batch() -> dict:
    """A batch of three receipts, two payers and one set, packed field by field from docs/spec/blob.md."""

    def fe(*parts: tuple[int, int]) -> str:
        return "0x00" + b"".join(value.to_bytes(width, "big") for value, width in parts).hex()

    operator, first_seq, base = bytes.fromhex(OPERATOR[2:]), 41, 1_763_600_000
    attribution = [(0, 250_000), (9, 750_000)]
    # payer, seq, asset, set, fee, input, output, startedAt: sorted by (payer, seq), as they stand in the blob
    rows = [
        (PAYER, 42, 7, [], 5, 10, 2, base + 3),
        (PAYER, 43, 7, attribution, 0, 0, 0, base),
        (OTHER, 41, 8, attribution, 1_000_000, 300, 16_777_215, base + 65_535),
    ]
    digests = [keccak(bytes([row[1]])) for row in rows]
    set_at, running, body = 2 + 2 * 3 + 2, 0, []
    for row, digest in zip(rows, digests, strict=True):
        payer, seq, asset, entries, fee, units_in, units_out, started = row
        running += fee
        body.append("0x00" + digest[:31].hex())
        body.append(
            fe((seq - first_seq, 4), (int(payer == OTHER), 3), (asset, 4), (set_at if entries else 0, 4), (running, 8),
               (units_in, 3), (units_out, 3), (started - base, 2))
        )  # fmt: skip
    payers = [fe((int(PAYER, 16), 20), (5, 8), (1, 3)), fe((int(OTHER, 16), 20), (1_000_000, 8), (2, 3))]
    sets = [fe((0, 1), (1, 1), (0, 1), *((v, w) for a, ppm in attribution for v, w in ((a, 4), (ppm, 3))), (0, 14))]
    head = [
        fe((1, 1), (3, 2), (first_seq, 8), (int.from_bytes(operator, "big"), 20)),
        fe((3, 3), (2, 3), (1, 3), (running, 16), (1, 1), (base, 5)),
    ]
    elements = head + body + payers + sets
    blob = b"".join(bytes.fromhex(e[2:]) for e in elements).ljust(131_072, b"\0")
    setup = ckzg.load_trusted_setup(str(SETUP), 0)
    commitment = ckzg.blob_to_kzg_commitment(blob, setup)
    return {
        "operator": OPERATOR,
        "lane": 3,
        "receipts": [
            {"payer": p, "seq": s, "assetId": a, "set": [list(x) for x in e], "feeUnits": str(f), "inputUnits": i,
             "outputUnits": o, "startedAt": t, "digest": "0x" + d.hex()}
            for (p, s, a, e, f, i, o, t), d in zip(rows, digests, strict=True)
        ],
        "elements": elements,
        "attributionHash": "0x" + keccak(b"".join(a.to_bytes(4, "big") + m.to_bytes(3, "big") for a, m in attribution)).hex(),
        "kzgCommitment": "0x" + commitment.hex(),
        "versionedHash": "0x01" + hashlib.sha256(commitment).hexdigest()[2:],
    }  # fmt: skip


def entitlement() -> dict:
    """One fee of 1,000,003 units with a set, shared out in exact fractions as docs/spec/money.md says."""
    fee, protocol, royalty, data = 1_000_003, 25_000, 620_000, 400_000
    dataset = {OTHER: Fraction(1)}
    shares = {PAYER: 666_666_666_667, OTHER: 333_333_333_333}
    own = {payee: Fraction(share, 10**12) for payee, share in shares.items()}
    weights = {0: 250_000, 9: 750_000}
    owed: dict[str, Fraction] = {DISTRIBUTOR: Fraction(fee * protocol, 10**6)}
    owed[OPERATOR] = Fraction(fee * (10**6 - protocol - royalty), 10**6)
    for set_id, ppm in weights.items():
        part = Fraction(fee * ppm * royalty, 10**12)
        for payee, share in own.items():
            kept = Fraction(10**6 - data, 10**6) if set_id else 1
            owed[payee] = owed.get(payee, Fraction(0)) + part * kept * share
        for payee, share in dataset.items() if set_id else ():
            owed[payee] = owed.get(payee, Fraction(0)) + part * Fraction(data, 10**6) * share
    return {
        "feeUnits": str(fee), "protocolPpm": protocol, "protocolPayee": DISTRIBUTOR, "operator": OPERATOR,
        "royaltyPpm": royalty, "dataPpm": data, "effective": {p: str(s) for p, s in shares.items()},
        "datasetEffective": {OTHER: str(10**12)}, "set": [[k, v] for k, v in weights.items()],
        "owed": {payee: str(amount) for payee, amount in owed.items()},
        "cumulativeUnits": {payee: str(int(amount)) for payee, amount in owed.items()},
    }  # fmt: skip


def main() -> None:
    message = {
        "rootIndex": 1, "root": keccak(b"root"), "totalCumulative": 10**12, "throughL2Block": 123,
        "throughL2BlockHash": keccak(b"block"), "dataHash": keccak(b"data"),
    }  # fmt: skip
    authorization = {"payer": PAYER, "operator": OPERATOR, "cumulativeCap": 10**9, "validUntil": 1_800_000_000}
    vectors = {
        "receipts": receipts(),
        "authorization": signed("SpendAuthorization", AUTHORIZATION, ESCROW, authorization),
        "distribution": signed("Distribution", DISTRIBUTION, DISTRIBUTOR, message),
        "batchCommitments": commitments(),
        "trees": [tree(n) for n in (1, 2, 5)],
        "blob": blob_batch(),
        "entitlement": entitlement(),
    }
    Path(__file__).with_name("protocol.json").write_text(json.dumps(vectors, indent=1) + "\n")


if __name__ == "__main__":
    main()
