"""GET / and the pages below it, with a content security policy that lets nothing in from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from api.pages import FOLDER

router = APIRouter(include_in_schema=False)

_SHELL: Final = (FOLDER / "shell.html").read_text()
_INLINE: Final = re.findall(r"<script type=\"importmap\">(.*?)</script>", _SHELL, re.DOTALL)


def _policy() -> str:
    """Scripts and styles from here alone; the import map, which has to stand in the page, by its digest."""
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in _INLINE]
    scripts = " ".join(["'self'", *(f"'sha256-{digest}'" for digest in hashes)])
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


HEADERS: Final = {
    "content-security-policy": _policy(),
    "cache-control": "no-cache",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


@router.get("/")
@router.get("/verify")
@router.get("/docs")
@router.get("/contributors/{name}")
@router.get("/payers/{name}")
@router.get("/operators/{name}")
@router.get("/assets")
@router.get("/assets/{name}")
@router.get("/batches/{name}")
def page() -> Response:
    """The shell; its script reads what is named."""
    return HTMLResponse(_SHELL, headers=HEADERS)
