"""What is committed is what the sources compile to."""

from __future__ import annotations

import pytest

from tributary import contracts_build
from tributary.contracts_build import ABI_FOLDER, DIGESTS_FILE, NAMES, Artifact

pytestmark = pytest.mark.unit

CODE_LIMIT = 24_576
"""EIP-170: bytes of code that a contract may have."""


@pytest.fixture(scope="module")
def compiled() -> dict[str, Artifact]:
    return contracts_build.artifacts(cached=False)


def test_committed_abis_and_digests_are_what_the_sources_compile_to(compiled: dict[str, Artifact]) -> None:
    for name in NAMES:
        assert (ABI_FOLDER / f"{name}.json").read_text() == contracts_build.abi_text(compiled[name]), name
    assert DIGESTS_FILE.read_text() == contracts_build.digests_text(compiled)


def test_every_contract_fits_the_code_limit(compiled: dict[str, Artifact]) -> None:
    assert {name for name in NAMES if len(compiled[name].runtime_bytecode) > CODE_LIMIT} == set()


def test_what_was_compiled_is_read_back_until_a_source_changes(
    compiled: dict[str, Artifact], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The compiler is watched, not replaced: it must not be called.
    monkeypatch.setattr(contracts_build, "_compile", lambda request: pytest.fail("compiled again"))
    assert contracts_build.artifacts() == compiled
    request = contracts_build.compiler_request()
    key = contracts_build._cache_key(request)
    source = "contracts/src/Operators.sol"
    request["sources"][source]["content"] += "\n"
    assert contracts_build._cache_key(request) != key
