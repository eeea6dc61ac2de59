// A contributor's page: what was earned, from which use, how final it is, when it is paid, and the proof.
import { html, nothing } from "lit-html";
import { read, readOr } from "./api.js";
import { dailyChart, shareBars } from "./chart.js";
import { claim, hasWallet } from "./claim.js";
import { assetLink, badge, contributorLink, figure, moment, short, standing, tokens, whole } from "./figures.js";
import { live, say } from "./page.js";
import { payoutStands } from "./proofs.js";
import { receiptTable } from "./receipts.js";
import { table } from "./tables.js";

const REASONS = {
  protocol: "runs the protocol",
  operator: "served the model",
  royalty: "has a share in the asset that served",
  data: "made data that answers drew on",
};

export function contributorPage(address, contracts) {
  const path = `/v1/contributors/${address}`;
  const load = async () => {
    const [person, span, payments, proof, receipts] = await Promise.all([
      read(path), read(`${path}/earnings`), read(`${path}/payments?limit=10`),
      readOr(null, `${path}/claim`), read(`${path}/receipts?limit=10`),
    ]);
    return { person, span, payments, proof, receipts, readAt: person.read_at };
  };
  live(`Contributor ${address.slice(0, 8)}…`, `/v1/events?contributor=${address}`, load, (data) => draw(data, contracts));
}

function draw({ person, span, payments, proof, receipts }, contracts) {
  const settled = person.earned.settled, open = person.earned.open;
  return html`
    <div><h1>Contributor</h1><p class="hash">${person.address}</p>
    ${person.recipient !== person.address ? html`<p>Paid to <span class="hash">${person.recipient}</span>, as this address asked.</p>` : nothing}</div>
    <dl class="figures">
      ${standing("Earned", settled, "from batches that nobody can challenge any more")}
      ${figure("Open to challenge", whole(open.unsafe.numerator), "falls away if a batch is proven false")}
      ${standing("Paid", person.paid)}
      ${figure("Claimable now", person.claimable?.units ?? null, claimNote(person))}
    </dl>
    ${claimCard(person, proof, contracts)}
    <section class="card" aria-labelledby="days"><h2 id="days">Earned over time</h2>${dailyChart(span.by_day, "Nothing was earned yet. Earnings appear once a batch with your asset is on chain.")}</section>
    <section class="card" aria-labelledby="why"><h2 id="why">Why this amount</h2>${sources(person)}${proof ? explained(person) : nothing}</section>
    <section class="card" aria-labelledby="uses"><h2 id="uses">Latest receipts of your assets</h2>${receiptTable(receipts.items, "No batch holds a receipt of an asset of yours yet.")}</section>
    <section class="card" aria-labelledby="paid"><h2 id="paid">Payments</h2>${paymentTable(payments)}
      <p>Statement of the last 30 days: <a href="/v1/contributors/${person.address}/statement?format=pdf" download>PDF</a>, <a href="/v1/contributors/${person.address}/statement?format=csv" download>CSV</a></p></section>`;
}

function claimNote(person) {
  if (person.root_index === null) return "no distribution is active yet";
  if (person.next_root_index === null) return `by distribution ${person.root_index}`;
  return html`by distribution ${person.root_index}; distribution ${person.next_root_index} pays from ${moment(person.expected_payable_at)}`;
}

function claimCard(person, proof, contracts) {
  if (!proof) return html`<section class="card"><h2>Claim</h2><p class="empty">No distribution owes this address a whole unit yet. One is made at the operator's schedule, from all that is final.</p></section>`;
  const due = BigInt(proof.claimable.units) > 0n;
  const check = (event) => {
    const holds = payoutStands({ payee: proof.payee, token: contracts.token, cumulative: proof.cumulative_units, proof: proof.proof, root: proof.root });
    const line = event.target.closest("section").querySelector("output");
    line.textContent = holds
      ? `Holds: your leaf of ${tokens(proof.cumulative_units)} leads to root ${proof.root} in ${proof.proof.length} steps.`
      : "Does NOT hold: this proof does not lead to the root.";
    line.className = holds ? "good" : "bad";
  };
  const send = async (event) => {
    event.target.disabled = true;
    try {
      say("Your wallet is asked to sign the claim.");
      say(`The claim is on its way: ${await claim(proof)}. This page shows it once it is in a block.`);
    } catch (refusal) {
      say(`The claim was not sent: ${refusal.shortMessage ?? refusal.message}.`);
      event.target.disabled = false;
    }
  };
  return html`<section class="card" aria-labelledby="claim"><h2 id="claim">Claim</h2>
    <p>${due ? html`Distribution ${proof.root_index} owes this address <strong>${tokens(proof.claimable.units)}</strong> now ${badge(proof.claimable.finality)}.` : html`All that distribution ${proof.root_index} owes this address is paid.`}
    Anyone may send the claim; the money goes to the contributor.</p>
    <p class="actions">
      <button @click=${send} ?disabled=${!due || !proof.active}>Claim with a wallet</button>
      <button class="quiet" @click=${check}>Verify the proof in this page</button>
      <a href="/v1/contributors/${person.address}/explain?distribution=${proof.root_index}" download>Explain file</a></p>
    ${hasWallet() ? nothing : html`<p class="empty">No wallet is in this browser. The proof works from any wallet: <code>claim(${proof.root_index}, …)</code> of ${short(proof.distributor)}.</p>`}
    <output role="status"></output></section>`;
}

function sources(person) {
  const lines = person.by_source
    .map((line) => ({ ...line, numerator: BigInt(line.settled.unsafe.numerator) + BigInt(line.open.unsafe.numerator) }))
    .filter((line) => line.numerator > 0n)
    .sort((a, b) => (a.numerator < b.numerator ? 1 : -1))
    .map((line) => ({
      numerator: line.numerator,
      name: `${line.source} of asset ${line.asset_id}`,
      label: html`<strong>${line.source}</strong>: ${REASONS[line.source]}, ${assetLink(line.asset_id, "asset")}${line.dataset_id ? html` by ${assetLink(line.dataset_id, "dataset")}` : nothing}${line.list_id ? `, through contributor list ${line.list_id}` : ""}`,
    }));
  return lines.length ? shareBars(lines) : html`<p class="empty">This address has earned nothing yet.</p>`;
}

function explained(person) {
  if (person.root_index === null) return nothing;
  return html`<p>The <a href="/v1/contributors/${person.address}/explain?distribution=${person.root_index}" download>explain file</a> shows every step from
    the blobs to the amount; <code>tributary verify payout FILE</code> checks it offline, and <a href="/verify">this site</a> its tree proof.</p>`;
}

function paymentTable({ items, skipped }) {
  const rows = items.map((row) => [moment(row.at), row.root_index, html`${tokens(row.amount.units)} ${badge(row.amount.finality)}`, contributorLink(row.recipient), short(row.tx_hash)]);
  const failed = skipped.map((row) => [moment(row.at), row.root_index, html`<span class="bad">not paid</span>`, "", html`The contract could not pay a claim that somebody pushed (${short(row.reason)}); it stays claimable.`]);
  return table("Payments", ["When", "Distribution#", "Amount#", "To", "Transaction"], [...rows, ...failed], "Nothing was paid yet.");
}
