// An operator's page: what it served at which price, what stands behind it, how steady it is, and what was found.
import { html, nothing } from "lit-html";
import { read } from "./api.js";
import { costFigures } from "./costs.js";
import { about, assetLink, count, duration, figure, many, moment, plain, short, standing, tokens } from "./figures.js";
import { batchTable } from "./network.js";
import { live } from "./page.js";
import { card, table } from "./tables.js";

export function operatorPage(address) {
  const path = `/v1/operators/${address}`;
  const load = async () => {
    const [operator, prices, batches, costs] = await Promise.all([read(path), read(`${path}/prices`), read(`/v1/batches?operator=${address}&limit=15`), read(`/v1/costs?operator=${address}`)]);
    return { operator, prices, batches, costs, readAt: operator.read_at };
  };
  live(`Operator ${address.slice(0, 8)}…`, "/v1/events", load, draw);
}

function draw({ operator, prices, batches, costs }) {
  const { exposure, uptime } = operator;
  return html`<div><h1>Operator</h1><p class="hash">${operator.address}</p><p><a href="/contributors/${operator.address}">What it earned</a> is on its page as a contributor.</p></div>
    <dl class="figures">
      ${standing("Settled fees", operator.settled_fees, "of batches that nobody can challenge any more")}
      ${figure("Open fees", exposure.fees.units, "committed, and its word until the challenge windows close")}
      ${figure("Bond", exposure.bond.units, html`${tokens(exposure.reserved.units)} answer for open batches, ${tokens(exposure.free.units)} are free`)}
      ${exposure.bond_per_fee_ppm === null ? nothing : plain("Bond per open fee", about(exposure.bond_per_fee_ppm), "what stands behind each unit of open fees")}
      ${figure("Own deposit", operator.own_deposit.unsafe.units, "stands in for payers that fall short")}
      ${plain("Findings", count(operator.findings), html`rules broken; ${tokens(operator.slashed.units)} slashed, ${many(operator.voided_batches, "batch", "batches")} voided`, operator.findings ? "bad" : "good")}
      ${uptime ? plain("Uptime", about(uptime.ppm), html`of ${duration(uptime.until - uptime.since)}; longest pause ${duration(uptime.longest_pause_seconds)}; ${many(uptime.late_batches, "late batch", "late batches")}`) : plain("Uptime", "—", "it has committed nothing yet")}
      ${plain("Receipts", count(operator.receipts), `${many(operator.finalized_batches, "batch", "batches")} final, ${count(operator.open_batches)} open`)}
    </dl>
    ${uptime ? html`<p class="empty">Uptime is the share of the time since ${moment(uptime.since)} in which a batch had been committed in the 24 hours before: receipts must be posted within that time. A pause says that it was down or that nobody asked; the chain can't tell which. On a development chain, days over which the clock was moved are such a pause.</p>` : nothing}
    ${card("Newest batches", batchTable(batches.items))}
    ${card("Prices", html`${priceTable(prices.items)}${prices.next_cursor === null ? nothing : html`<p class="empty">The first ${count(prices.items.length)}; the API has the rest.</p>`}`)}
    ${card("What a receipt takes", costFigures(costs))}
    ${card("Lanes and keys", lanes(operator.lanes))}`;
}

function priceTable(lines) {
  return table("Prices", ["Asset", "1000 units in#", "1000 units out#", "From", ""], lines.map((line) => [
    assetLink(line.asset_id), tokens(line.input_price_units), tokens(line.output_price_units), moment(line.effective_at),
    line.in_force ? html`<span class="badge good">in force</span>` : "",
  ]), "It has published no price.");
}

function lanes(lines) {
  return table("Lanes", ["Lane", "Next seq#", "Batches#", "Keys"], lines.map((line) => [
    line.lane, count(line.next_seq), count(line.batches),
    line.keys.map((key) => html`<div>${short(key.key)} since ${moment(key.added_at)}${key.revoked_at === null ? nothing : html`, revoked ${moment(key.revoked_at)}`}</div>`),
  ]), "It has registered no key.");
}
