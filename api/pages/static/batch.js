// A batch's page: where it stands, what it charged, what it took, and its receipts.
import { html, nothing } from "lit-html";
import { read } from "./api.js";
import { assetLink, badge, batchLink, count, figure, many, moment, operatorLink, payerLink, plain, short, status, tokens } from "./figures.js";
import { live } from "./page.js";
import { receiptTable } from "./receipts.js";
import { card, facts, table } from "./tables.js";

const LISTED = 25;
const PURPOSES = { post: "Blobs posted on L1", commit: "Committed on L2", finalize: "Finalised on L2" };

export function batchPage(id) {
  const load = async () => {
    const [batch, receipts] = await Promise.all([read(`/v1/batches/${id}`), read(`/v1/batches/${id}/receipts?limit=${LISTED}`)]);
    return { batch, receipts, readAt: batch.read_at };
  };
  live(`Batch ${id}`, "/v1/events", load, draw);
}

function draw({ batch, receipts }) {
  return html`<div><h1>Batch ${batch.batch_id}${batch.fill ? `, filling ${batch.fill}` : ""}</h1><p>By operator ${operatorLink(batch.operator)}, lane ${batch.lane}, receipts ${count(batch.first_seq)} to ${count(batch.first_seq + batch.count - 1)}.</p></div>
    <dl class="figures">
      ${plain("Standing", status(batch.status), html`blobs: <span class=${batch.verdict}>${batch.verdict}</span>`)}
      ${figure("Fees", batch.total_fee.units, badge(batch.total_fee.finality))}
      ${plain("Receipts", count(batch.count), `of ${many(batch.payer_count, "payer", "payers")}`)}
      ${figure("Bond that answers for it", batch.reserve.units)}
    </dl>
    ${batch.findings.length ? html`<section class="card problem"><h2>Findings</h2>${findings(batch.findings)}</section>` : nothing}
    ${card("Its way", way(batch))}
    ${card("Receipts", receiptTable(receipts.items, "Its blobs are not read yet."), receipts.next_cursor ? html`<p><a href="/v1/batches/${batch.batch_id}/receipts?limit=500">More of them, as JSON</a></p>` : nothing)}
    ${card("Charges", charges(batch))}
    ${card("Fees by asset", sums(batch.sums))}
    ${card("What it took", costs(batch.costs))}
    ${card("Blobs", blobs(batch))}
    ${batch.earlier_fillings.length ? card("Earlier fillings", table("Earlier fillings", ["Filling", "Committed", "Standing"], batch.earlier_fillings.map((row) => [row.fill, moment(row.committed_at), status(row.status)]))) : nothing}`;
}

function way(batch) {
  return facts([
    ["Oldest receipt begun", moment(batch.base_time)],
    ["Blobs on L1", batch.post ? html`${moment(batch.post.l1_time)} ${badge(batch.post.finality)} in ${short(batch.post.tx_hash)}` : "no post is indexed"],
    ["Attested on L2", batch.attested_at === null ? "not before the commit" : html`L1 time ${moment(batch.attested_at)}`],
    ["Committed", html`${moment(batch.committed_at)} ${badge(batch.total_fee.finality)}`],
    ["First committed", batch.fill ? moment(batch.first_committed_at) : null],
    ["Terms from", html`${moment(batch.terms_from)}: no earlier terms count for its receipts`],
    ["Finalised", batch.finalized ? html`${moment(batch.finalized.at)} ${badge(batch.finalized.finality)}` : null],
    ["Voided", batch.voided ? html`${moment(batch.voided.at)} ${badge(batch.voided.finality)}` : null],
    ["batch_commitment", html`<span class="hash">${batch.batch_commitment}</span>`],
    ["As JSON", html`<a href="/v1/batches/${batch.batch_id}">/v1/batches/${batch.batch_id}</a>`],
  ]);
}

function findings(lines) {
  return table("Findings", ["Rule", "Voids it", "Fraud proof", "Evidence"], lines.map((line) => [
    line.rule.replaceAll("_", " "), line.voids ? "yes" : "no", line.challenge ?? "none fits", html`<code>${JSON.stringify(line.evidence)}</code>`,
  ]));
}

function charges(batch) {
  const more = batch.charges.length - LISTED;
  return [table("Charges", ["Payer", "Amount#"], batch.charges.slice(0, LISTED).map((row) => [payerLink(row.payer), tokens(row.amount.units)])),
    more > 0 ? html`<p>And ${count(more)} more, <a href="/v1/batches/${batch.batch_id}">as JSON</a>.</p>` : nothing];
}

function sums(lines) {
  return table("Fees by asset", ["Asset", "Drawing on", "Receipts#", "Weighted fees#"], lines.map((line) => [
    html`${assetLink(line.asset_id)} (terms ${line.asset_version})`, line.dataset_id === null ? "its own terms" : html`${assetLink(line.dataset_id, "dataset")} (terms ${line.dataset_version})`,
    count(line.receipts), tokens(BigInt(line.weighted_fee_units) / 1_000_000n),
  ]), "Its blobs are not read yet.");
}

function costs(lines) {
  return table("What it took", ["Transaction", "Hash", "Gas#", "Blob gas#", "Wei paid#"], lines.map((line) => [
    html`${PURPOSES[line.purpose]} ${badge(line.finality)}`, short(line.tx_hash), line.gas_used === null ? "not told yet" : count(line.gas_used),
    line.blob_gas_used === null ? "" : count(line.blob_gas_used), line.fee_wei === null ? "" : count(line.fee_wei),
  ]));
}

function blobs(batch) {
  return html`<ul class="plain">${batch.versioned_hashes.map((name) => html`<li><a href="/v1/blobs/${name}" download><span class="hash">${name}</span></a></li>`)}</ul>`;
}
