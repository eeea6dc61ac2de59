"""Text to tokens and back, and a chat as the one text that the model continues."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import tokenizers
from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ledger.errors import ChatTemplateError, CheckpointError
from serving.engine.files import Folder
from serving.engine.json_bytes import parse_json

TOKENIZER_FILE = "tokenizer.json"
CONFIG_FILE = "tokenizer_config.json"


class Tokenizer:
    """A byte-level BPE tokenizer with its chat template. Thread-safe."""

    def __init__(self, folder: Folder) -> None:
        """Reads tokenizer.json and tokenizer_config.json.

        Raises:
            CheckpointError: a file is missing or malformed, or the tokenizer is not byte-level.
        """
        try:
            content = folder.file(TOKENIZER_FILE).decode()
            self._tokenizer = tokenizers.Tokenizer.from_str(content)
            config = parse_json(folder.file(CONFIG_FILE))
            decoder = (parse_json(content).get("decoder") or {}).get("type")
            self._template = _environment().from_string(config.get("chat_template") or "")
        except CheckpointError:
            raise
        except Exception as error:  # tokenizers raises bare Exception
            raise CheckpointError(f"The tokenizer in {folder.path} could not be read ({error}).") from error
        if decoder != "ByteLevel":
            raise CheckpointError(f"The engine decodes byte-level tokenizers, and this one is {decoder!r}.")
        self._special_tokens = {
            name: str(value) for name, value in config.items() if name.endswith("_token") and isinstance(value, str)
        }
        self._bytes = _token_bytes(self._tokenizer)

    @property
    def vocabulary(self) -> int:
        """Number of token ids."""
        return len(self._bytes)

    def encode(self, text: str) -> tuple[int, ...]:
        """The text's token ids; special tokens written out in the text count as such, as in vLLM."""
        return tuple(self._tokenizer.encode(text).ids)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of all ids together, special tokens left out; bytes that are no UTF-8 show as U+FFFD."""
        return b"".join(self._bytes[i] for i in ids).decode("utf-8", errors="replace")

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes that a token stands for; none for a special token."""
        return self._bytes[token_id]

    def token_text(self, token_id: int) -> str:
        """One token as readable text: a special token by its name."""
        return self._bytes[token_id].decode("utf-8", errors="replace") or str(self._tokenizer.id_to_token(token_id))

    def render_chat(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """The text that the model continues to answer the messages, by the checkpoint's chat template.

        Raises:
            ChatTemplateError: a content that is no text, or a role that the template does not know.
        """
        plain = [_plain(message) for message in messages]
        if not plain:
            raise ChatTemplateError("A chat needs at least one message.")
        try:
            return self._template.render(messages=plain, add_generation_prompt=True, **self._special_tokens)
        except TemplateError as error:
            raise ChatTemplateError(f"The messages do not fit the model's chat template: {error}.") from error

    def encode_chat(self, messages: Sequence[Mapping[str, Any]]) -> tuple[int, ...]:
        """The token ids of `render_chat`; same errors."""
        return self.encode(self.render_chat(messages))


def _environment() -> ImmutableSandboxedEnvironment:
    """Jinja as transformers and vLLM set it up for chat templates."""
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals["raise_exception"] = _raise_template_error
    return environment


def _raise_template_error(sentence: str) -> None:
    raise TemplateError(sentence)


def _plain(message: Mapping[str, Any]) -> dict[str, str]:
    """Role and text of a message; a list of text parts is joined."""
    role, content = message.get("role"), message.get("content")
    if isinstance(content, list):
        content = "".join(_part_text(part) for part in content)
    if not isinstance(role, str) or not isinstance(content, str):
        raise ChatTemplateError("Each message needs a role and a content of text.")
    return {"role": role, "content": content}


def _part_text(part: Any) -> str:
    if isinstance(part, Mapping) and part.get("type") == "text" and isinstance(part.get("text"), str):
        return str(part["text"])
    raise ChatTemplateError("This model reads text only, and a message holds a part of another type.")


def _token_bytes(tokenizer: tokenizers.Tokenizer) -> tuple[bytes, ...]:
    alphabet = _byte_alphabet()
    special = {i for i, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    size = tokenizer.get_vocab_size()
    names = {i: name for name, i in tokenizer.get_vocab().items()}
    if sorted(names) != list(range(size)):
        raise CheckpointError("The tokenizer's ids are not consecutive from 0.")
    return tuple(b"" if i in special else bytes(alphabet[character] for character in names[i]) for i in range(size))


def _byte_alphabet() -> dict[str, int]:
    """The byte behind each character of byte-level BPE (GPT-2's table).

    Printable bytes stand for themselves, the others are written as the characters from U+0100 on, in order.
    """
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    table = {chr(byte): byte for byte in printable}
    others = (byte for byte in range(256) if byte not in printable)
    return table | {chr(0x100 + place): byte for place, byte in enumerate(others)}
