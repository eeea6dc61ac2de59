"""What `tributary register` reads: files, terms, lists, keys. Whatever is wrong with them is one sentence."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chain.structs import AttributionMode, Parent, Share
from ledger.errors import SettingsError, TributaryError, UsageError
from ledger.protocol.content import ContentFile, content_hash
from ledger.protocol.contributors import list_payee
from ledger.protocol.units import PPM
from tributary.registration.content import read_content
from tributary.registration.contributor_csv import read_contributors
from tributary.registration.kept import Keeper
from tributary.registration.preview import amount_text
from tributary.registration.settings import RegisterSettings
from tributary.registration.showing import ether_text, percent_text
from tributary.registration.terms_file import parse_parts, read_terms

pytestmark = pytest.mark.unit

KEY = "0x" + "11" * 32
OWNER = b"\x0e" * 20
A, B = "0x" + "aa" * 20, "0x" + "bb" * 20


def one_sentence(error: BaseException) -> str:
    text = str(error)
    assert len(text.splitlines()) == 1
    return text


# Content


def test_a_file_counts_as_a_folder_that_holds_it_alone(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    file = tmp_path / "one" / "data.csv"
    file.write_bytes(b"a,b\n" * 10_000)
    assert read_content(file) == read_content(tmp_path / "one")
    digest = hashlib.sha256(file.read_bytes()).digest()
    assert read_content(file).content_hash == content_hash([ContentFile("data.csv", 40_000, digest)])


def test_hidden_files_are_left_out_and_links_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    plain = read_content(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "head").write_text("x")
    assert read_content(tmp_path) == plain
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.raises(UsageError, match="symbolic link"):
        read_content(tmp_path)


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_nothing_to_register_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"no file or folder|holds no files"):
        read_content(tmp_path / name)


# Terms


def test_a_terms_file_says_all_that_terms_can(tmp_path: Path) -> None:
    file = tmp_path / "terms.toml"
    file.write_text(
        'royalty_ppm = 250000\ndata_ppm = 400000\nmin_child_ppm = 5\nfloor_input_price_units = 7\nattribution = "operator"\n'
        f'licence = "CC-BY-4.0"\nuri = "https://example.org/x"\ndatasets = [9, 3, 9]\n'
        f'[[payees]]\naddress = "{A}"\nppm = 999999\n[[payees]]\naddress = "{B}"\nppm = 1\n'
        "[[parents]]\nasset_id = 4\nppm = 0\n"
    )
    file_terms = read_terms(file, {"royalty_ppm": 100, "uri": None})
    terms = file_terms.terms(OWNER, None)
    assert (terms.royalty_ppm, terms.data_ppm, terms.min_child_ppm, terms.floor_input_price_units) == (
        100,
        400_000,
        5,
        7,
    )
    assert terms.mode == AttributionMode.OPERATOR
    assert terms.split == (Share(b"\xaa" * 20, 999_999), Share(b"\xbb" * 20, 1))
    assert (terms.parents, terms.datasets) == ((Parent(4, 0),), (3, 9))
    assert file_terms.registered_uri == "https://example.org/x#licence=CC-BY-4.0"
    as_json = tmp_path / "terms.json"
    as_json.write_text(file_terms.model_dump_json(exclude_none=True))
    assert read_terms(as_json, {}) == file_terms


def test_without_payees_all_is_the_owners_or_the_lists(tmp_path: Path) -> None:
    assert read_terms(None, {}).terms(OWNER, None).split == (Share(OWNER, PPM),)
    listed = read_terms(None, {"contributors": tmp_path / "list.csv"})
    assert listed.terms(OWNER, list_payee(4)).split == (Share(list_payee(4), PPM),)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("royalty_ppm = 1000001", "royalty_ppm"),
        ("royalty_ppm = 0.5", "royalty_ppm"),
        ("royalty_ppm = true", "royalty_ppm"),
        ("royalti_ppm = 5", "royalti_ppm"),
        (f'[[payees]]\naddress = "{A}"\nppm = 999999', "add up to 999,999"),
        (f'[[payees]]\naddress = "{A}"\nppm = 500000\n[[payees]]\naddress = "{A}"\nppm = 500000', "stands twice"),
        ('[[payees]]\naddress = "0x12"\nppm = 1000000', "not an address"),
        ('[[payees]]\naddress = "0xFb6916095ca1df60bB79Ce92cE3Ea74c37c5d359"\nppm = 1000000', "checksum"),
        ('[[payees]]\naddress = "contributors"\nppm = 1000000', "go together"),
        (f'contributors = "x.csv"\n[[payees]]\naddress = "{A}"\nppm = 1000000', "go together"),
        ('licence = "MIT\\nor not"', "SPDX"),
        ('uri = "https://example.org/#x"', "fragment"),
        ('attribution = "maybe"', "attribution"),
        ("datasets = [0]", "datasets"),
        ("royalty_ppm = ", "not TOML"),
    ],
)
def test_wrong_terms_are_one_sentence(tmp_path: Path, content: str, says: str) -> None:
    file = tmp_path / "terms.toml"
    file.write_text(content)
    with pytest.raises(UsageError, match=says) as caught:
        read_terms(file, {})
    one_sentence(caught.value)


@given(st.text(max_size=80))
def test_any_text_of_parts_is_read_or_refused_in_one_sentence(text: str) -> None:
    try:
        parts = parse_parts(text, "--payees")
    except UsageError as error:
        one_sentence(error)
    else:
        assert all(isinstance(ppm, int) for _, ppm in parts)


def test_parts_are_ppm_or_percentages() -> None:
    assert parse_parts("a=12.5%, b = 875000", "x") == [("a", 125_000), ("b", 875_000)]
    assert parse_parts("a", "x") == [("a", PPM)]
    for wrong in ("a=0.00001%", "a=", "a=b", "a=1e400", "a=NaN", "a=1,b"):
        with pytest.raises(UsageError, match="NAME=PART"):
            parse_parts(wrong, "x")


# Contributors


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("address,weight\n", "1 to 65,536"),
        ("", "1 to 65,536"),
        (f"{A},1\n{A},2\n", "stands twice"),
        (f"{A},0\n", "weight below 1"),
        (f"{A},1.5\n", "line 1: the weight '1.5' is not a whole number"),
        (f"{A},-1\n", "not a whole number"),
        (f"{A}\n", "line 1: it must hold an address and a weight"),
        ("address,weight\n0xzz,1\n", "line 2: '0xzz' is not an address"),
        (f"0x{'00' * 20},1\n", "nobody's address"),
        (f"0x{list_payee(1).hex()},1\n", "nobody's address"),
        (f"{A},{2**64}\n", "2\\^64"),
    ],
)
def test_a_wrong_list_is_one_sentence_that_names_the_line(tmp_path: Path, content: str, says: str) -> None:
    file = tmp_path / "list.csv"
    file.write_text(content)
    with pytest.raises(UsageError, match=says) as caught:
        read_contributors(file)
    assert str(file) in one_sentence(caught.value)


def test_a_list_may_have_a_heading_blank_lines_and_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(b"\xef\xbb\xbf" + f"who,how much\r\n\r\n{B}, 3\r\n{A},4\r\n".encode())
    assert [(c.address.hex(), c.weight) for c in read_contributors(file)] == [("aa" * 20, 4), ("bb" * 20, 3)]


@given(st.binary(max_size=200))
def test_any_bytes_make_a_list_or_one_sentence(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.csv"
    file.write_bytes(content)
    try:
        read_contributors(file)
    except UsageError as error:
        one_sentence(error)


# The key, and what is kept


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> RegisterSettings:
    monkeypatch.delenv("REGISTER_KEY", raising=False)
    return RegisterSettings.load(l2_rpc_url=("http://127.0.0.1:1",))


def key_file(folder: Path, content: str, mode: int = 0o600) -> Path:
    file = folder / "key"
    file.write_text(content)
    file.chmod(mode)
    return file


def test_a_key_file_is_read_and_one_open_to_others_is_not(tmp_path: Path, settings: RegisterSettings) -> None:
    for content in (KEY, KEY[2:] + "\n"):
        key = settings.key(key_file(tmp_path, content))
        assert key is not None
        assert key.secret == b"\x11" * 32
    with pytest.raises(SettingsError, match="chmod 600"):
        settings.key(key_file(tmp_path, KEY, 0o640))


def test_an_encrypted_key_file_needs_its_password(tmp_path: Path, settings: RegisterSettings) -> None:
    from eth_account import Account  # slow to load

    file = key_file(tmp_path, json.dumps(Account.encrypt(KEY, "right", kdf="pbkdf2", iterations=2)))
    with pytest.raises(SettingsError, match="REGISTER_KEY_PASSWORD"):
        settings.key(file)
    for password, opens in (("right", True), ("wrong", False)):
        given_one = RegisterSettings.load(l2_rpc_url=("http://127.0.0.1:1",), register_key_password=password)
        if opens:
            assert given_one.key(file).secret == b"\x11" * 32  # type: ignore[union-attr]
        else:
            with pytest.raises(SettingsError, match="does not open"):
                given_one.key(file)


@pytest.mark.parametrize("content", ["", "0x12", "zz" * 32, "00" * 32, "{}", "\x00\xff"])
def test_what_is_no_key_is_not_repeated(tmp_path: Path, settings: RegisterSettings, content: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.key(key_file(tmp_path, content))
    assert not content.strip() or content not in one_sentence(caught.value)


def test_the_salt_is_on_disk_for_its_owner_alone_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIBUTARY_STATE_DIR", str(tmp_path))
    keeper = Keeper(901, b"\x01" * 20, OWNER, "dataset", b"\x05" * 32)
    assert keeper.read() is None
    os.umask(0)
    kept = keeper.begin()
    os.umask(0o022)
    assert stat.S_IMODE(keeper.path.stat().st_mode) == 0o600
    assert len(kept.salt_bytes) == 32
    assert keeper.begin() == kept
    noted = keeper.note_list(kept, 7)
    assert (noted.salt, keeper.read()) == (kept.salt, noted)
    assert [path.name for path in keeper.path.parent.iterdir()] == [keeper.path.name]
    keeper.path.write_text("{")
    with pytest.raises(TributaryError, match="damaged"):
        keeper.begin()
    keeper.forget()
    assert keeper.read() is None


# Amounts


@given(st.fractions(min_value=0, max_value=10**12))
def test_an_amount_is_shown_to_six_decimals_and_never_more_than_it_is(amount: Fraction) -> None:
    shown = Fraction(Decimal(amount_text(amount).replace(",", "")))
    assert shown <= amount < shown + Fraction(1, 10**6)


@given(st.integers(0, 10**12), st.integers(0, 10**24))
def test_shares_and_ether_are_shown_exactly(share: int, wei: int) -> None:
    assert Fraction(Decimal(percent_text(share))) == Fraction(share, 10**10)
    assert Fraction(Decimal(ether_text(wei).removesuffix(" ETH"))) == Fraction(wei, 10**18)
