"""Tokens to text: never half a character, never a part of a stop string, and nothing lost."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.engine.text_stream import TextStream

pytestmark = pytest.mark.unit

pieces = st.lists(st.binary(max_size=5), max_size=30)
words = st.text(alphabet="abAB é…😀\n", max_size=40)
stops = st.lists(st.text(alphabet="abAB é😀", min_size=1, max_size=4), max_size=4)


def split(content: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(content), *(cut % (len(content) + 1) for cut in cuts)})
    return [content[a:b] for a, b in pairwise(places)]


@given(pieces)
def test_released_pieces_make_up_the_decoded_whole_whatever_the_bytes(parts):
    stream = TextStream()
    released = [stream.push(part) for part in parts] + [stream.finish()]
    assert "".join(released) == b"".join(parts).decode("utf-8", errors="replace")


@given(words, st.lists(st.integers(min_value=0), max_size=20))
def test_no_piece_of_valid_text_holds_half_a_character(text, cuts):
    stream = TextStream()
    released = [stream.push(part) for part in split(text.encode(), cuts)] + [stream.finish()]
    assert "".join(released) == text
    assert not any("\ufffd" in piece for piece in released)


@given(words, stops, st.lists(st.integers(min_value=0), max_size=20))
def test_text_ends_before_the_first_stop_string_to_be_completed(text, stop, cuts):
    stream = TextStream(stop)
    released = ""
    for part in split(text.encode(), cuts):
        released += stream.push(part)
        if stream.stopped:
            break
    released += stream.finish()
    assert stream.stopped == any(one in text for one in stop)
    assert text.startswith(released)
    if stream.stopped:
        assert any(text.startswith(one, len(released)) for one in stop)
        assert not any(one in released for one in stop)
    else:
        assert released == text


@given(words, stops)
def test_with_one_character_a_push_the_text_ends_at_the_stop_string_that_ends_first(text, stop):
    stream = TextStream(stop)
    released = ""
    for character in text:
        released += stream.push(character.encode())
        if stream.stopped:
            break
    ends = [(place + len(one), place) for one in stop if (place := text.find(one)) >= 0]
    if ends:
        first_end = min(end for end, _ in ends)
        assert stream.stopped
        assert len(released) == min(place for end, place in ends if end == first_end)


def test_text_that_may_begin_a_stop_string_is_held_until_it_is_known():
    stream = TextStream(["END", "Note"])
    assert stream.push(b"the E") == "the "
    assert stream.push(b"N") == ""
    assert stream.push(b"ough") == "ENough"
    assert stream.push(b" No") == " "
    assert stream.finish() == "No"


def test_a_character_in_three_tokens_comes_out_with_the_last():
    stream = TextStream()
    assert [stream.push(byte) for byte in (b"\xe2", b"\x80", b"\x9c")] == ["", "", "“"]


def test_an_answer_cut_in_a_character_ends_with_a_replacement_character():
    stream = TextStream()
    assert stream.push("ab€".encode()[:-1]) == "ab"
    assert stream.finish() == "\ufffd"
