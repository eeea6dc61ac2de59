// Which page this address is, and the search at the top.
import { read } from "./api.js";
import { setDecimals } from "./figures.js";
import { passes, showLoading, showProblem } from "./page.js";

const RETRY_MILLISECONDS = 5_000;
const DIGEST = /^0x([0-9a-fA-F]{62}|[0-9a-fA-F]{64})$/;

document.getElementById("find").addEventListener("submit", (event) => {
  event.preventDefault();
  const sought = event.target.elements.address.value.trim();
  const kind = event.submitter?.value ?? "contributors";
  location.assign(DIGEST.test(sought) ? `/verify?receipt=${sought}` : `/${kind}/${sought}`);
});

const [kind, name] = location.pathname.split("/").filter(Boolean);
const asked = new URLSearchParams(location.search);
const PAGES = {
  contributors: async (contracts) => (await import("./contributor.js")).contributorPage(name, contracts),
  payers: async () => (await import("./payer.js")).payerPage(name),
  operators: async () => (await import("./operator.js")).operatorPage(name),
  assets: async () => (name ? (await import("./asset.js")).assetPage(name) : (await import("./assets.js")).assetsPage(asked)),
  batches: async () => (await import("./batch.js")).batchPage(name),
  verify: async () => (await import("./verify.js")).verifyPage(asked.get("receipt")),
  docs: async () => (await import("./docs.js")).docsPage(),
};

for (const link of document.querySelectorAll("nav a"))
  if (link.getAttribute("href") === (kind ? `/${kind}` : "/")) link.setAttribute("aria-current", "page");

async function open() {
  try {
    const facts = (await read("/v1/status")).deployment;
    setDecimals(facts.token_decimals);
    if (kind in PAGES) await PAGES[kind](facts.contracts);
    else (await import("./network.js")).networkPage();
  } catch (problem) {
    showProblem("Tributary", problem, passes(problem));
    if (passes(problem)) setTimeout(open, RETRY_MILLISECONDS);
  }
}

showLoading("Tributary");
open();
