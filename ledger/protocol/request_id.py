"""Request ids of requests that carry an Idempotency-Key: payer and key always give the same one.

Source: docs/spec/serving.md, "Retries".
"""

import hashlib
from typing import Final

ID_PREFIX: Final = "req_"


def keyed_request_id(payer: bytes, idempotency_key: str) -> str:
    """`req_` and 32 hex digits."""
    return ID_PREFIX + hashlib.sha256(b"tributary request" + payer + idempotency_key.encode()).hexdigest()[:32]
