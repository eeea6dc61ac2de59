// What a receipt takes on chain, as figures.
import { html } from "lit-html";
import { count, decimal, many, plain } from "./figures.js";

export function costFigures(costs) {
  if (!costs.per_receipt)
    return html`<p class="empty">${costs.batches_untold ? "Batches are final, but no node has told yet what their transactions took." : "No batch is final yet."}</p>`;
  const each = costs.per_receipt;
  return html`<p>On average over the ${many(costs.receipts, "receipt", "receipts")} of the newest ${costs.batches === 1 ? "final batch" : `${count(costs.batches)} final batches`}${costs.batches_untold ? html`; ${costs.batches_untold} more wait for their nodes' word` : ""}.</p>
    <dl class="figures">
      ${plain("Bytes used", decimal(each.used_bytes), `of ${decimal(each.posted_bytes)} posted: blobs are posted whole`)}
      ${plain("L2 gas", decimal(each.l2_gas), "committing and finalising")}
      ${plain("L1 gas", decimal(each.l1_gas), "posting")}
      ${plain("L1 blob gas", decimal(each.l1_blob_gas), "one for each byte posted")}</dl>`;
}
