"""A real Chromium before the pages of a ledger with a whole history, in which nothing was claimed yet."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from api.app import build_app
from api.reader import open_reader
from tests.factories.http_server import served
from tests.factories.paid_world import PaidWorld, paid_world
from tests.postgres.test_api.conftest import api_settings
from tributary.devnet import Devnet
from tributary.postgres import PostgresServer

CHROMIUM = ("chromium", "chromium-browser")
VIEWS = {"desktop": (1280, 900), "phone": (390, 844)}
NEVER_PUSHED = 10**18

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def world(
    postgres_server: PostgresServer, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PaidWorld]:
    url = postgres_server.create_database("pages_world", migrated_template)
    folder = tmp_path_factory.mktemp("pages")
    with Devnet.start() as devnet, paid_world(devnet, folder, url, min_claim_units=NEVER_PUSHED) as world:
        yield world


@pytest.fixture(scope="module")
def site(world: PaidWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = api_settings(
        world.url,
        archive_dir=world.inner.settings.archive_dir,
        kept_dir=tmp_path_factory.mktemp("kept"),
        events_seconds=0.3,
    )
    engine = open_reader(settings)
    with served(build_app(engine, settings)) as url:
        yield url
    engine.dispose()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, site: str) -> Iterator[Open]:
    """Opens a path at a size and scheme; a script's error or a request to another host fails the test."""
    contexts: list[Any] = []
    wrong: list[str] = []

    def opened(
        path: str, view: str = "desktop", scheme: str = "light", *, wallet: str = "", free: bool = False
    ) -> Page:
        width, height = VIEWS[view]
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, bypass_csp=free, accept_downloads=True
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(f"{path}: {error}"))
        page.on(
            "request", lambda sent: None if sent.url.startswith((site, "data:", "blob:")) else wrong.append(sent.url)
        )
        page.on("console", lambda line: wrong.append(line.text) if "Content Security Policy" in line.text else None)
        if wallet:
            connect_wallet(page, wallet)
        page.goto(site + path)
        page.wait_for_selector("main[aria-busy=false]")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


def connect_wallet(page: Page, rpc: str) -> None:
    """An EIP-1193 provider in the page whose keys are the devnet's own accounts."""

    def request(method: str, parameters: list[Any]) -> Any:
        method = {"eth_requestAccounts": "eth_accounts"}.get(method, method)
        answer = httpx.post(rpc, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).json()
        if "error" in answer:
            raise RuntimeError(answer["error"]["message"])
        return answer["result"]

    page.expose_function("askTheWallet", request)
    page.add_init_script(
        "window.ethereum = { request: ({ method, params }) => window.askTheWallet(method, params ?? []), on() {} };"
    )


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core's script, from the locked npm packages."""
    from ledger.config import CHECKOUT

    return (Path(CHECKOUT) / ".tributary" / "node_modules" / "axe-core" / "axe.min.js").read_text()
