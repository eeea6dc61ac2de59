// A payer's page: what it has, what it was charged, and by which receipts.
import { html, nothing } from "lit-html";
import { read } from "./api.js";
import { assetLink, badge, batchLink, count, figure, moment, operatorLink, standing, status, tokens } from "./figures.js";
import { live } from "./page.js";
import { receiptTable } from "./receipts.js";
import { table } from "./tables.js";

export function payerPage(address) {
  const path = `/v1/payers/${address}`;
  let invoice, invoicedFor;
  const load = async () => {
    const [payer, charges] = await Promise.all([read(path), read(`${path}/charges?limit=20`)]);
    const newest = charges.items[0], state = JSON.stringify(charges.items.map((row) => [row.batch_id, row.fill, row.batch_status]));
    if (state !== invoicedFor) invoice = await read(`${path}/invoice`); // adds up a month's receipts: only when there are others
    invoicedFor = state;
    const receipts = newest ? await read(`${path}/charges/${newest.batch_id}/receipts?limit=10`) : { items: [] };
    return { payer, charges, invoice, receipts, readAt: payer.read_at };
  };
  live(`Payer ${address.slice(0, 8)}…`, "/v1/events", load, draw);
}

function draw({ payer, charges, invoice, receipts }) {
  return html`<div><h1>Payer</h1><p class="hash">${payer.address}</p></div>
    <dl class="figures">${standing("Balance", payer.balance, "over all operators")}${standing("Charged", payer.charged, "in batches that are final")}</dl>
    ${payer.accounts.map((account) => html`<section class="card"><h2>With operator ${operatorLink(account.operator)}</h2><dl class="figures">
      ${figure("Balance", account.balance.unsafe.units)}
      ${figure("Cap left", account.cap_left?.units ?? null, account.cap ? html`of ${tokens(account.cap.units)} signed for${account.cap_valid_until ? html`, until ${moment(account.cap_valid_until)}` : nothing}` : "no cap is on chain")}
      ${figure("Open charges", account.charged_open.units, "refunded if their batch is proven false")}
      ${BigInt(account.debt.units) ? figure("Debt", account.debt.units, "paid by the operator in your stead") : nothing}
      ${account.thawing ? figure("Leaving", account.thawing.units, html`from ${moment(account.thaw_end)}`) : nothing}</dl></section>`)}
    ${payer.accounts.length ? nothing : html`<p class="card empty">This address has no account with any operator: nothing was deposited or charged. A deposit appears once its block is indexed.</p>`}
    <section class="card"><h2>Use by day</h2>${usageTable(invoice)}
      <p>From ${invoice.since} to ${invoice.until}, as an invoice: <a href="/v1/payers/${payer.address}/invoice?format=pdf" download>PDF</a>, <a href="/v1/payers/${payer.address}/invoice?format=csv" download>CSV</a></p></section>
    <section class="card"><h2>Charges</h2>${chargeTable(charges.items)}</section>
    <section class="card"><h2>Receipts behind the newest charge</h2>${receiptTable(receipts.items, "There are none yet.")}</section>`;
}

function chargeTable(items) {
  return table("Charges", ["When", "Batch", "Operator", "Amount#", "Standing"], items.map((row) => [
    moment(row.committed_at), batchLink(row.batch_id), operatorLink(row.operator), html`${tokens(row.amount.units)} ${badge(row.amount.finality)}`,
    row.batch_status === "voided" ? html`<span class="bad">voided: refunded</span>` : status(row.batch_status),
  ]), "Nothing was charged yet.");
}

function usageTable(invoice) {
  return table("Use by day", ["Day", "Asset", "Operator", "Receipts#", "Units in#", "Units out#", "Fees#"], [...invoice.lines].reverse().map((row) => [
    row.day, assetLink(row.asset_id), operatorLink(row.operator), count(row.receipts), count(row.input_units), count(row.output_units), tokens(row.fee_units),
  ]), "No answer of these days was charged.");
}
