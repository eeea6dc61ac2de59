// Checking a file in this page: nothing of it is sent anywhere.
import { html, nothing } from "lit-html";
import { read } from "./api.js";
import { tokens } from "./figures.js";
import { show, showProblem } from "./page.js";
import { checkPayoutFile, checkReceiptFile } from "./proofs.js";

export async function verifyPage(digest) {
  draw();
  if (!digest) return;
  try {
    await judge(await read(`/v1/receipts/${digest}/proof`));
  } catch (problem) {
    showProblem("Verify", problem);
  }
}

async function judge(file) {
  const started = performance.now();
  try {
    const found = file.format === "tributary/receipt-proof/1" ? await checkReceiptFile(file) : checkPayoutFile(file);
    draw({ found, milliseconds: Math.round(performance.now() - started) });
  } catch (refusal) {
    draw({ refusal: refusal.message });
  }
}

async function opened(event) {
  const [file] = event.target.files;
  if (!file) return;
  try {
    await judge(JSON.parse(await file.text()));
  } catch {
    draw({ refusal: "The file is not JSON." });
  }
}

function draw(outcome) {
  show("Verify", html`<div><h1>Verify</h1><p>A receipt's proof is checked whole: KZG openings against the batch's blobs. Of a payout's explain file this page checks the tree proof,
    the rounding and the sources; <code>tributary verify payout FILE</code> also reads its blobs. Nothing leaves this page.</p></div>
    <section class="card"><h2>A file</h2><p><label for="file">Explain file or receipt proof</label> <input id="file" type="file" accept="application/json,.json" @change=${opened}></p></section>
    ${outcome ? result(outcome) : nothing}`);
}

function result({ found, refusal, milliseconds }) {
  if (refusal) return html`<section class="card problem" role="alert"><h2>It does not hold</h2><p>${refusal}</p></section>`;
  const receipt = "digest31" in found;
  return html`<section class="card" role="status"><h2 class="good">It holds</h2>
    ${receipt
      ? html`<p>Receipt ${found.seq} stands at position ${found.position} of batch ${found.batchId} and charges ${tokens(found.fee)} to <span class="hash">${found.payer}</span> (${milliseconds} ms).</p>
         <p>It rests on the batch_commitment <span class="hash">${found.commitment}</span> on chain ${found.chain}: compare it with a node that you trust.</p>`
      : html`<p><span class="hash">${found.payee}</span> is owed ${tokens(found.cumulative)} in all, from ${found.batches} batches.</p>
         <p>It rests on root ${found.rootIndex}, <span class="hash">${found.root}</span>: compare it with a node that you trust.</p>`}</section>`;
}
