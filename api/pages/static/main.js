// Which page this address is, and the search at the top.
import { read } from "./api.js";
import { setDecimals } from "./figures.js";
import { showLoading, showProblem } from "./page.js";

document.getElementById("find").addEventListener("submit", (event) => {
  event.preventDefault();
  const kind = event.submitter?.value ?? "contributors";
  location.assign(`/${kind}/${event.target.elements.address.value.trim()}`);
});

const [kind, address] = location.pathname.split("/").filter(Boolean);

async function open() {
  const facts = (await read("/v1/status")).deployment;
  setDecimals(facts.token_decimals);
  if (kind === "contributors") (await import("./contributor.js")).contributorPage(address, facts.contracts);
  else if (kind === "payers") (await import("./payer.js")).payerPage(address);
  else if (kind === "verify") (await import("./verify.js")).verifyPage(new URLSearchParams(location.search).get("receipt"));
  else if (kind === "docs") (await import("./docs.js")).docsPage();
  else (await import("./network.js")).networkPage();
}

showLoading("Tributary");
open().catch((problem) => showProblem("Tributary", problem));
