// The network's page: the conservation identity, costs, batches, operators and findings, as they stand now.
import { html, nothing } from "lit-html";
import { read, readOr } from "./api.js";
import { costFigures } from "./costs.js";
import { about, badge, batchLink, contributorLink, count, duration, many, moment, operatorLink, plain, status, tokens } from "./figures.js";
import { live } from "./page.js";
import { card, table } from "./tables.js";

export function networkPage() {
  const load = async () => {
    const [status, batches, operators, people, costs] = await Promise.all([
      read("/v1/status"), read("/v1/batches?limit=15"), read("/v1/operators?limit=20&sort=-settled_fees"),
      peopleOf(), read("/v1/costs"),
    ]);
    return { status, batches, operators, people, costs, readAt: status.read_at };
  };
  live("Network", "/v1/events", load, draw);
}

// Nobody is listed before the first block is final, and that is no error.
async function peopleOf() {
  try {
    return await readOr({ items: [] }, "/v1/contributors?limit=20&sort=-earned");
  } catch (problem) {
    if (problem.status === 503) return { items: [] };
    throw problem;
  }
}

function draw({ status, batches, operators, people, costs }) {
  const counts = status.batches, broken = status.findings.reduce((sum, line) => sum + line.times, 0);
  const holds = status.conservation.holds;
  return html`<div><h1>Network</h1><p>Every answer leaves a signed receipt; every fee flows back, to the last base unit, to those who made the answer possible.</p></div>
    <dl class="figures">
      ${plain("Receipts on chain", count(counts.receipts))}
      ${plain("Batches", count(counts.open + counts.finalized), `${counts.finalized} final, ${counts.open} open, ${counts.voided} voided`)}
      ${plain("Findings", count(broken), "rules that batches broke", broken ? "bad" : "good")}
      ${plain("Money adds up", holds ? "yes, to the unit" : "NO", "checked at the newest, the safe and the final block", holds ? "good" : "bad")}
    </dl>
    ${waiting(status)}
    ${card("Newest batches", batchTable(batches.items))}
    ${broken ? html`<section class="card problem"><h2>Findings</h2>${table("Findings", ["Rule", "Times#"], status.findings.map((line) => [line.rule.replaceAll("_", " "), count(line.times)]))}</section>` : nothing}
    ${card("Operators", operatorTable(operators.items))}
    ${card("What a receipt takes", costFigures(costs))}
    ${card("Contributors", peopleTable(people.items))}
    ${card("Where the money is", identity(status.conservation))}`;
}

function waiting(status) {
  if (!status.posts_without_blobs && !status.batches.unread) return nothing;
  return html`<p class="card wait">${many(status.batches.unread, "batch is", "batches are")} on chain whose blobs are not read yet; ${many(status.posts_without_blobs, "post waits", "posts wait")} for a source of their blobs. Figures rise once they are had.</p>`;
}

function identity(book) {
  const part = (name, terms, total) => html`<tbody><tr><th scope="rowgroup" colspan="2">${name}</th></tr>
    ${terms.map((line) => html`<tr><td>${line.term.replaceAll("_", " ")}</td><td class="number">${tokens(line.amount.unsafe.units)}</td></tr>`)}
    <tr><td><strong>together</strong></td><td class="number"><strong>${tokens(total.unsafe.units)}</strong></td></tr></tbody>`;
  return html`<div class="scroll" role="region" aria-label="Where the money is" tabindex="0"><table><caption>What came in = what is held + what went out, at the newest block</caption>
    ${part("Came in", book.came_in, book.total_in)}${part("Held", book.held, book.total_held)}${part("Went out", book.went_out, book.total_out)}</table></div>`;
}

export function batchTable(items) {
  return table("Batches", ["Batch", "When", "Operator", "Receipts#", "Fees#", "Standing", "Blobs"], items.map((row) => [
    row.fill ? html`${batchLink(row.batch_id)} (filling ${row.fill})` : batchLink(row.batch_id), moment(row.committed_at), operatorLink(row.operator),
    count(row.count), html`${tokens(row.total_fee.units)} ${badge(row.total_fee.finality)}`, status(row.status), html`<span class=${row.verdict}>${row.verdict}</span>`,
  ]), "No batch is on chain yet.");
}

function operatorTable(items) {
  return table("Operators", ["Operator", "Final fees#", "Open fees#", "Bond#", "Uptime#", "Receipts#", "Findings#"], items.map((row) => [
    operatorLink(row.address), tokens(row.settled_fees.unsafe.units), tokens(row.exposure.fees.units), tokens(row.exposure.bond.units),
    row.uptime ? html`<span title="Longest pause ${duration(row.uptime.longest_pause_seconds)}">${about(row.uptime.ppm)} of ${duration(row.uptime.until - row.uptime.since)}</span>` : "—", count(row.receipts),
    html`<span class=${row.findings ? "bad" : ""}>${count(row.findings)}</span>`,
  ]), "No operator has registered a key or a bond yet.");
}

function peopleTable(items) {
  return table("Contributors", ["Contributor", "Earned#", "Paid#"], items.map((row) => [
    contributorLink(row.address), html`${tokens(row.earned.units)} ${badge(row.earned.finality)}`, tokens(row.paid.units),
  ]), "Nobody has earned from a final batch yet.");
}
