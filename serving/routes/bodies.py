"""Request bodies, read raw: what is hashed is what was received, and what is parsed is bounded."""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

from serving.errors import InvalidRequestError, RequestTooLargeError


async def read_body(request: Request, most: int) -> bytes:
    """The body as it was received.

    Raises:
        RequestTooLargeError: it is longer than `most` bytes.
    """
    return await receive_body(request.receive, most)


async def receive_body(receive: Receive, most: int) -> bytes:
    """The same from the connection itself.

    Raises:
        RequestTooLargeError: it is longer than `most` bytes.
        ClientDisconnect: its sender left before it was whole.
    """
    parts: list[bytes] = []
    length, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part = message.get("body", b"")
        length += len(part)
        if length > most:
            raise RequestTooLargeError(f"The request body is longer than the {most} bytes that are read.")
        parts.append(part)
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def read_object(request: Request, most: int) -> dict[str, Any]:
    """The body as a JSON object.

    Raises:
        InvalidRequestError: it is something else.
        RequestTooLargeError: it is too long.
    """
    body = await read_body(request, most)
    try:
        # Bounded in depth, unlike the standard library's parser under a raised recursion limit.
        parsed = from_json(body)
    except ValueError as error:
        raise InvalidRequestError(f"We could not parse the JSON body of your request: {error}.") from error
    if not isinstance(parsed, dict):
        raise InvalidRequestError("The body of your request must be a JSON object.")
    return parsed
