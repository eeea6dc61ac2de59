"""Writes tests/vectors/openings.json: KZG openings of a blob, made with c-kzg alone.

Points come from the field's definition here, not from ledger.protocol. Run it by hand: `python tests/vectors/make_openings.py`.
"""

import hashlib
import json
from importlib.resources import files
from pathlib import Path

import ckzg

MODULUS = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
INDICES = (0, 1, 2, 3, 100, 2047, 4094, 4095)


def element(index: int) -> int:
    digest = int.from_bytes(hashlib.sha256(index.to_bytes(2, "big")).digest(), "big")
    return digest % MODULUS if index in (3, 4095) else digest >> 8


def point(index: int) -> bytes:
    root = pow(7, (MODULUS - 1) // 4096, MODULUS)
    return pow(root, int(format(index, "012b")[::-1], 2), MODULUS).to_bytes(32, "big")


def main() -> None:
    folder = files("eth_account") / "typed_transactions" / "blob_transactions"
    setup = ckzg.load_trusted_setup(str(folder / "kzg_trusted_setup.txt"), 0)
    blob = b"".join(element(i).to_bytes(32, "big") for i in range(4096))
    commitment = ckzg.blob_to_kzg_commitment(blob, setup)
    openings = []
    for index in INDICES:
        proof, value = ckzg.compute_kzg_proof(blob, point(index), setup)
        assert int.from_bytes(value, "big") == element(index)
        openings.append(
            {
                "index": index,
                "z": "0x" + point(index).hex(),
                "value": "0x" + value.hex(),
                "commitmentAndProof": "0x" + (commitment + proof).hex(),
            }
        )
    versioned = b"\x01" + hashlib.sha256(commitment).digest()[1:]
    content = {"versionedHash": "0x" + versioned.hex(), "openings": openings}
    (Path(__file__).parent / "openings.json").write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
