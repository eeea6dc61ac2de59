"""The pages at `/`: one shell, and static files that read the API. Shipped as they are: no build, no other host."""

from pathlib import Path

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
