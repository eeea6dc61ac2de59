"""Takes the pictures in docs/pictures: the pages as a real browser shows them, of a demo's real data.

Without --url it runs the demo first and ends it afterwards.
"""

from __future__ import annotations

import argparse
import io
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).resolve().parent.parent.parent
PICTURES = CHECKOUT / "docs" / "pictures"
CHROMIUM = ("chromium", "chromium-browser")
VIEWS = {"desktop": (1280, 1080), "phone": (390, 844)}
LOOKS = (("desktop", "light"), ("phone", "dark"))
OTHER_WAY_ROUND = "contributor"
"""Shown on a dark desktop and a light phone as well."""
COLOURS = 96
LARGEST_BYTES = 150_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="./scripts/screenshots", description=__doc__)
    parser.add_argument("--url", help="an API that runs already, as `./scripts/demo --keep` prints it")
    parser.add_argument("--to", type=Path, default=PICTURES, help="folder of the pictures")
    parser.add_argument("--requests", type=int, default=300, help="requests that the demo replays")
    asked = parser.parse_args()
    chromium = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    if chromium is None:
        sys.exit("./scripts/screenshots needs Chromium on PATH; on Debian: apt-get install chromium.")
    if asked.url:
        take_all(chromium, asked.url.rstrip("/"), asked.to)
        return
    with demo(asked.requests) as url:
        take_all(chromium, url, asked.to)


@contextmanager
def demo(requests: int) -> Iterator[str]:
    """A demo that has run and is still there; the address of its API."""
    command = [sys.executable, "-m", "tributary", "demo", "--keep", "--requests", str(requests)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                print(line, end="", flush=True)
                found = re.search(r"(http://\S+)/docs", line)
                if found:
                    yield found[1]
                    return
            sys.exit("The demo ended before its API could be looked at.")
        finally:
            process.terminate()


def take_all(chromium: str, url: str, folder: Path) -> None:
    """Every page in its looks, as small PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, path in pages(url).items():
            looks = {*LOOKS, *(("desktop", "dark"), ("phone", "light"))} if name == OTHER_WAY_ROUND else LOOKS
            for view, scheme in sorted(looks):
                file = folder / f"{name}-{view}-{scheme}.png"
                file.write_bytes(small(take(browser, url + path, view, scheme)))
                size = file.stat().st_size
                print(f"{file.name}: {size:,} bytes", flush=True)
                if size > LARGEST_BYTES:
                    sys.exit(f"{file} is larger than {LARGEST_BYTES:,} bytes.")
        browser.close()


def pages(url: str) -> dict[str, str]:
    """The pages worth a picture, by name: of who earned from data, of who paid most, of an adapter that drew on data."""

    def read(path: str) -> Any:
        return httpx.get(url + path, timeout=30).raise_for_status().json()

    people = [line["address"] for line in read("/v1/contributors?sort=-earned&limit=50")["items"]]
    sources = {who: {s["source"] for s in read(f"/v1/contributors/{who}")["by_source"]} for who in people}
    contributor = next(who for who in people if {"royalty", "data"} & sources[who] and "operator" not in sources[who])
    operator = read("/v1/operators?sort=-settled_fees&limit=1")["items"][0]["address"]
    batch = read("/v1/batches?status=finalized&limit=1")["items"][0]["batch_id"]
    charges = read(f"/v1/batches/{batch}")["charges"]
    payer = max(charges, key=lambda charge: int(charge["amount"]["units"]))["payer"]
    adapters = [line["asset_id"] for line in read("/v1/assets?kind=adapter&limit=50")["items"]]
    asset = max(adapters, key=lambda one: served(read(f"/v1/assets/{one}")))
    return {
        "network": "/",
        "contributor": f"/contributors/{contributor}",
        "payer": f"/payers/{payer}",
        "operator": f"/operators/{operator}",
        "asset": f"/assets/{asset}",
        "batch": f"/batches/{batch}",
    }


def served(asset: Any) -> tuple[bool, int]:
    """Whether an asset may draw on data, and what it was used for."""
    draws = any(version["in_force"] and version["datasets"] for version in asset["terms"])
    return draws, sum(int(day["settled_fees"]["unsafe"]["units"]) for day in asset["served"])


def take(browser: Browser, address: str, view: str, scheme: str) -> bytes:
    """One page once everything on it is drawn."""
    width, height = VIEWS[view]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("main[aria-busy=false]")
    if page.query_selector("#daily"):
        page.wait_for_selector("#daily canvas")
    picture = page.screenshot()
    context.close()
    return picture


def small(png: bytes) -> bytes:
    """The picture in a palette; text stays sharp."""
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
