// Receipts in a table, each with the way to its proof.
import { html } from "lit-html";
import { assetLink, badge, batchLink, moment, payerLink, short, tokens } from "./figures.js";
import { table } from "./tables.js";

const KINDS = { finalized: "good", voided: "bad" };

export function receiptTable(items, empty) {
  return table("Receipts", ["When", "Asset", "Payer", "Fee#", "Batch", "Proof"], items.map((receipt) => [
    moment(receipt.started_at), assetLink(receipt.asset_id), payerLink(receipt.payer), tokens(receipt.fee.units),
    receipt.place ? html`${batchLink(receipt.place.batch_id)} <span class="badge ${KINDS[receipt.batch_status] ?? "wait"}">${receipt.batch_status}</span>` : badge("pending"),
    receipt.place ? html`<a href="/verify?receipt=${receipt.digest31}">${short(receipt.digest31)}</a>` : short(receipt.digest31),
  ]), empty);
}
