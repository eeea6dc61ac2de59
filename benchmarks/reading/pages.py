"""First contentful paint of the pages in Chromium, where there is one."""

import shutil
from statistics import median

from benchmarks.measuring.report import Row
from benchmarks.reading.driver import Served

ROUNDS = 5


def first_paint(served: Served, known: dict[str, list[str]], most_ms: int) -> list[Row]:
    """A row for each page; none without Chromium and Playwright (`./scripts/test --full` installs it)."""
    chromium = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415  # only the full environment has it
    except ImportError:
        return []
    if chromium is None:
        return []
    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for path in ("/", f"/contributors/{known['payee'][0]}", f"/payers/{known['payer'][0]}"):
            page = browser.new_page()
            taken = []
            for _ in range(ROUNDS):
                page.goto(served.url + path)
                page.wait_for_selector("main[aria-busy=false]")
                taken.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
            page.close()
            value = median(taken)
            rows.append(
                Row(f"first contentful paint of {path[:14]}", round(value), "ms", f"≤ {most_ms}", value <= most_ms)
            )
        browser.close()
    return rows
