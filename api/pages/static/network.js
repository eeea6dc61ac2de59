// The network's page: the conservation identity, batches, operators and findings, as they stand now.
import { html, nothing } from "lit-html";
import { read } from "./api.js";
import { badge, contributorLink, moment, short, tokens } from "./figures.js";
import { live } from "./page.js";

export function networkPage() {
  const load = async () => {
    const [status, batches, operators, people] = await Promise.all([
      read("/v1/status"), read("/v1/batches?limit=15"), read("/v1/operators?limit=20"), read("/v1/contributors?limit=20"),
    ]);
    return { status, batches, operators, people, readAt: status.read_at };
  };
  live("Network", "/v1/events", load, draw);
}

function draw({ status, batches, operators, people }) {
  const counts = status.batches;
  return html`<div><h1>Network</h1><p>Every answer leaves a signed receipt; every fee flows back, to the last base unit, to those who made the answer possible.</p></div>
    <dl class="figures">
      <div><dt>Receipts on chain</dt><dd>${counts.receipts}</dd></div>
      <div><dt>Batches</dt><dd>${counts.open + counts.finalized}<small>${counts.finalized} final, ${counts.open} open, ${counts.voided} voided</small></dd></div>
      <div><dt>Findings</dt><dd class=${status.findings.length ? "bad" : "good"}>${status.findings.reduce((sum, line) => sum + line.times, 0)}<small>rules that batches broke</small></dd></div>
      <div><dt>Money adds up</dt><dd class=${status.conservation.holds ? "good" : "bad"}>${status.conservation.holds ? "yes, to the unit" : "NO"}<small>checked at every block</small></dd></div>
    </dl>
    <section class="card"><h2>Where the money is</h2>${identity(status.conservation)}</section>
    <section class="card"><h2>Newest batches</h2>${batchTable(batches.items)}</section>
    ${status.findings.length ? html`<section class="card problem"><h2>Findings</h2><table><tbody>${status.findings.map((line) => html`<tr><th scope="row">${line.rule}</th><td class="number">${line.times}</td></tr>`)}</tbody></table></section>` : nothing}
    <section class="card"><h2>Operators</h2>${operatorTable(operators.items)}</section>
    <section class="card"><h2>Contributors</h2>${peopleTable(people.items)}</section>`;
}

function identity(book) {
  const part = (name, terms, total) => html`<tbody><tr><th scope="rowgroup" colspan="2">${name}</th></tr>
    ${terms.map((line) => html`<tr><td>${line.term.replaceAll("_", " ")}</td><td class="number">${tokens(line.amount.unsafe.units)}</td></tr>`)}
    <tr><td><strong>together</strong></td><td class="number"><strong>${tokens(total.unsafe.units)}</strong></td></tr></tbody>`;
  return html`<table><caption>What came in = what is held + what went out, at the newest block</caption>
    ${part("Came in", book.came_in, book.total_in)}${part("Held", book.held, book.total_held)}${part("Went out", book.went_out, book.total_out)}</table>`;
}

function batchTable(items) {
  if (!items.length) return html`<p class="empty">No batch is on chain yet.</p>`;
  return html`<table><thead><tr><th scope="col">Batch</th><th scope="col">When</th><th scope="col">Operator</th><th scope="col" class="number">Receipts</th><th scope="col" class="number">Fees</th><th scope="col">Standing</th><th scope="col">Blobs</th></tr></thead>
    <tbody>${items.map((row) => html`<tr><td><a href="/v1/batches/${row.batch_id}">${row.batch_id}</a></td><td>${moment(row.committed_at)}</td><td>${short(row.operator)}</td><td class="number">${row.count}</td>
    <td class="number">${tokens(row.total_fee.units)} ${badge(row.total_fee.finality)}</td><td class=${row.status === "voided" ? "bad" : row.status === "finalized" ? "good" : "wait"}>${row.status}</td><td class=${row.verdict}>${row.verdict}</td></tr>`)}</tbody></table>`;
}

function operatorTable(items) {
  if (!items.length) return html`<p class="empty">No operator has registered a key or a bond yet.</p>`;
  return html`<table><thead><tr><th scope="col">Operator</th><th scope="col" class="number">Final fees</th><th scope="col" class="number">Open fees</th><th scope="col" class="number">Receipts</th><th scope="col" class="number">Findings</th></tr></thead>
    <tbody>${items.map((row) => html`<tr><td><a href="/v1/operators/${row.address}">${short(row.address)}</a></td><td class="number">${tokens(row.settled_fees.unsafe.units)}</td><td class="number">${tokens(row.open_fees.units)}</td><td class="number">${row.receipts}</td><td class="number">${row.findings}</td></tr>`)}</tbody></table>`;
}

function peopleTable(items) {
  if (!items.length) return html`<p class="empty">Nobody has earned from a final batch yet.</p>`;
  return html`<table><thead><tr><th scope="col">Contributor</th><th scope="col" class="number">Earned</th><th scope="col" class="number">Paid</th></tr></thead>
    <tbody>${items.map((row) => html`<tr><td>${contributorLink(row.address)}</td><td class="number">${tokens(row.earned.units)} ${badge(row.earned.finality)}</td><td class="number">${tokens(row.paid.units)}</td></tr>`)}</tbody></table>`;
}

