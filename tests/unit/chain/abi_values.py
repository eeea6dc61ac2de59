"""Random ABI types with values that fit them, as hypothesis strategies."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Typed = tuple[dict[str, Any], Any]
"""A parameter as ABI JSON has it, and a value for it."""


def uints(bits: int) -> st.SearchStrategy[Typed]:
    return st.integers(0, 2**bits - 1).map(lambda v: ({"type": f"uint{bits}"}, v))


def fixed_bytes(size: int) -> st.SearchStrategy[Typed]:
    return st.binary(min_size=size, max_size=size).map(lambda v: ({"type": f"bytes{size}"}, v))


elementary = st.one_of(
    st.sampled_from([8, 16, 24, 40, 64, 128, 256]).flatmap(uints),
    st.sampled_from([1, 4, 31, 32]).flatmap(fixed_bytes),
    st.binary(min_size=20, max_size=20).map(lambda v: ({"type": "address"}, v)),
    st.booleans().map(lambda v: ({"type": "bool"}, v)),
    st.binary(max_size=70).map(lambda v: ({"type": "bytes"}, v)),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40).map(
        lambda v: ({"type": "string"}, v)
    ),
)


def repeated(inner: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    """An array: several values of one type, of fixed or open length."""

    def array(typed: Typed, count: int, fixed: bool) -> Typed:
        raw, value = typed
        size = str(count) if fixed and count else ""
        return {**raw, "type": f"{raw['type']}[{size}]"}, (value,) * count

    return st.builds(array, inner, st.integers(0, 4), st.booleans())


def struct(inner: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    return st.lists(inner, min_size=1, max_size=4).map(
        lambda members: (
            {"type": "tuple", "components": [raw for raw, _ in members]},
            tuple(value for _, value in members),
        )
    )


typed_values = st.recursive(elementary, lambda inner: st.one_of(repeated(inner), struct(inner)), max_leaves=8)


def canonical(raw: dict[str, Any]) -> str:
    """The type as eth_abi names it."""
    if not raw["type"].startswith("tuple"):
        return str(raw["type"])
    members = ",".join(canonical(component) for component in raw["components"])
    return f"({members}){raw['type'].removeprefix('tuple')}"
