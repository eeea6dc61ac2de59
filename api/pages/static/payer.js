// A payer's page: what it has, what it was charged, and by which receipts.
import { html, nothing } from "lit-html";
import { read } from "./api.js";
import { badge, figure, moment, short, standing, tokens } from "./figures.js";
import { receiptTable } from "./contributor.js";
import { live } from "./page.js";

export function payerPage(address) {
  const path = `/v1/payers/${address}`;
  const load = async () => {
    const [payer, charges] = await Promise.all([read(path), read(`${path}/charges?limit=20`)]);
    const newest = charges.items[0];
    const receipts = newest ? await read(`${path}/charges/${newest.batch_id}/receipts?limit=10`) : { items: [] };
    return { payer, charges, receipts, readAt: payer.read_at };
  };
  live(`Payer ${address.slice(0, 8)}…`, "/v1/events", load, draw);
}

function draw({ payer, charges, receipts }) {
  return html`<div><h1>Payer</h1><p class="hash">${payer.address}</p></div>
    <dl class="figures">${standing("Balance", payer.balance, "over all operators")}${standing("Charged", payer.charged, "in batches that are final")}</dl>
    ${payer.accounts.map((account) => html`<section class="card"><h2>With operator ${short(account.operator)}</h2><dl class="figures">
      ${figure("Balance", account.balance.unsafe.units)}
      ${figure("Cap left", account.cap_left?.units ?? null, account.cap ? html`of ${tokens(account.cap.units)} signed for${account.cap_valid_until ? html`, until ${moment(account.cap_valid_until)}` : nothing}` : "no cap is on chain")}
      ${figure("Open charges", account.charged_open.units, "refunded if their batch is proven false")}
      ${BigInt(account.debt.units) ? figure("Debt", account.debt.units, "paid by the operator in your stead") : nothing}
      ${account.thawing ? figure("Leaving", account.thawing.units, html`from ${moment(account.thaw_end)}`) : nothing}</dl></section>`)}
    <section class="card"><h2>Charges</h2>${chargeTable(charges.items)}
      <p>Invoice of the last 30 days: <a href="/v1/payers/${payer.address}/invoice?format=pdf" download>PDF</a>, <a href="/v1/payers/${payer.address}/invoice?format=csv" download>CSV</a></p></section>
    <section class="card"><h2>Receipts behind the newest charge</h2>${receiptTable(receipts.items)}</section>`;
}

function chargeTable(items) {
  if (!items.length) return html`<p class="empty">Nothing was charged yet.</p>`;
  return html`<table><thead><tr><th scope="col">When</th><th scope="col">Batch</th><th scope="col">Operator</th><th scope="col" class="number">Amount</th><th scope="col">Standing</th></tr></thead>
    <tbody>${items.map((row) => html`<tr><td>${moment(row.committed_at)}</td><td><a href="/v1/batches/${row.batch_id}">${row.batch_id}</a></td><td>${short(row.operator)}</td>
    <td class="number">${tokens(row.amount.units)} ${badge(row.amount.finality)}</td><td class="${row.batch_status}">${row.batch_status === "voided" ? "voided: refunded" : row.batch_status}</td></tr>`)}</tbody></table>`;
}
