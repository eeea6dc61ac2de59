"""Static files with the headers that a browser needs to keep them, and nothing to guess."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.staticfiles import StaticFiles
from typing_extensions import override

if TYPE_CHECKING:
    import os

    from starlette.responses import Response
    from starlette.types import Scope


class PageFiles(StaticFiles):
    """Vendored libraries never change under a version of ours; our own files are asked for again each time."""

    @override
    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        is_vendored = "/vendor/" in str(full_path)
        response.headers["cache-control"] = "public, max-age=86400" if is_vendored else "no-cache"
        response.headers["x-content-type-options"] = "nosniff"
        return response
