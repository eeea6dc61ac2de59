"""JSON of others that is nested a hundred thousand deep is refused, whatever the process allows its own recursion.

py_ecc, which comes with web3, raises Python's limit so far that the standard parser overruns the C stack and the process dies.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from ledger.config import CHECKOUT

pytestmark = pytest.mark.unit

PARSERS = {
    "a prior": "from ledger.protocol.attribution.prior import parse_prior as parse",
    "a request": "from ledger.protocol.attribution.transcript import texts_of; parse = lambda deep: texts_of(deep, b'{}')",
    "an opening": "from ledger.protocol.opening import parse_opening as parse",
    "a body": 'from ledger.protocol.stripping import strip_json; parse = lambda deep: strip_json(b\'{"a":1,"receipt":{"receipt":{\' + deep + b\'}}}\')',
    "a stream": "from ledger.protocol.stripping import COMMENT, strip_stream; parse = lambda deep: strip_stream(COMMENT + deep)",
}
PROGRAM = """
import sys
sys.setrecursionlimit(10**6)
from ledger.errors import MalformedInputError
{parser}
try:
    parse(b"[" * 100_000)
except MalformedInputError:
    print("refused")
"""


@pytest.mark.parametrize("what", PARSERS)
def test_deep_nesting_is_refused(what: str) -> None:
    program = PROGRAM.format(parser=PARSERS[what])
    done = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "refused\n"), done.stderr
