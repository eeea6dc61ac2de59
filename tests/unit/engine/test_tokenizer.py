"""Text to tokens and back, and the chat template."""

import json
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import ChatTemplateError, CheckpointError
from serving.engine.files import read_folder
from serving.engine.text_stream import TextStream
from serving.engine.tokenizer import Tokenizer

pytestmark = pytest.mark.unit

texts = st.text(max_size=80).filter(lambda text: "<|" not in text)


def test_any_text_comes_back_whole(tokenizer):
    @given(texts)
    def check(text):
        assert tokenizer.decode(tokenizer.encode(text)) == text

    check()


def test_tokens_decoded_one_by_one_are_the_decoded_whole_whatever_the_tokens(tokenizer):
    @given(st.lists(st.integers(0, tokenizer.vocabulary - 1), max_size=60))
    def check(ids):
        stream = TextStream()
        released = [stream.push(tokenizer.token_bytes(i)) for i in ids] + [stream.finish()]
        assert "".join(released) == tokenizer.decode(ids)

    check()


def test_decoding_agrees_with_the_tokenizer_library(tokenizer, models_path):
    from tokenizers import Tokenizer as Library

    library = Library.from_file(str(models_path / "base" / "tokenizer.json"))

    @given(st.lists(st.integers(0, tokenizer.vocabulary - 1), max_size=60))
    def check(ids):
        assert tokenizer.decode(ids) == library.decode(ids, skip_special_tokens=True)

    check()


def test_special_tokens_have_no_text_and_are_known_by_name(tokenizer):
    assert tokenizer.encode("<|endoftext|><|user|><|assistant|>") == (0, 1, 2)
    assert tokenizer.decode((0, 1, 2)) == ""
    assert tokenizer.token_text(0) == "<|endoftext|>"
    assert tokenizer.token_bytes(2) == b""


def test_a_chat_becomes_turns_and_ends_where_the_answer_begins(tokenizer):
    rendered = tokenizer.render_chat(
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Who "}, {"type": "text", "text": "art thou?"}]},
            {"role": "assistant", "content": "Nay, answer me."},
            {"role": "user", "content": "Long live the king!"},
        ]
    )
    assert rendered == (
        "<|user|>Be brief.<|user|>Who art thou?<|assistant|>Nay, answer me.<|endoftext|>"
        "<|user|>Long live the king!<|assistant|>"
    )
    assert tokenizer.encode_chat([{"role": "user", "content": "Ay"}]) == (1, *tokenizer.encode("Ay"), 2)


def test_chats_are_rendered_and_encoded_as_transformers_does(tokenizer, reference_path):
    for case in json.loads((reference_path / "chats.json").read_text()):
        assert tokenizer.render_chat(case["messages"]) == case["text"]
        assert list(tokenizer.encode_chat(case["messages"])) == case["ids"]


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "user"}],
        [{"content": "no role"}],
        [{"role": "tool", "content": "a role that the template does not know"}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}],
        [{"role": "user", "content": [{"type": "text", "text": None}]}],
    ],
)
def test_messages_that_the_template_cannot_render_are_refused_in_one_sentence(tokenizer, messages):
    with pytest.raises(ChatTemplateError) as refused:
        tokenizer.render_chat(messages)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("broken", ["missing", "not json", "other decoder", "bad template"])
def test_a_folder_without_a_usable_tokenizer_is_refused(models_path, tmp_path, broken):
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(models_path / "base" / name, tmp_path / name)
    file = tmp_path / ("tokenizer_config.json" if broken == "bad template" else "tokenizer.json")
    if broken == "missing":
        file.unlink()
    elif broken == "not json":
        file.write_text("{")
    elif broken == "bad template":
        file.write_text(json.dumps({"chat_template": "{% for %}"}))
    else:
        file.write_text(json.dumps(json.loads(file.read_text()) | {"decoder": None}))
    with pytest.raises(CheckpointError):
        Tokenizer(read_folder(tmp_path, 1 << 30))
