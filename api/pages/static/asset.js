// An asset's page: what it is, whom it pays by which terms, where it comes from, and how it is used.
import { html, nothing } from "lit-html";
import { read } from "./api.js";
import { dailyChart } from "./chart.js";
import { assetLink, badge, contributorLink, count, moment, operatorLink, percent, plain, short, tokens, whole } from "./figures.js";
import { live } from "./page.js";
import { card, facts, table } from "./tables.js";

const ONE = 10n ** 12n;
const LISTED = 20;

export function assetPage(id) {
  const load = async () => {
    const [asset, people] = await Promise.all([read(`/v1/assets/${id}`), read(`/v1/assets/${id}/contributors?limit=${LISTED}`)]);
    return { asset, people, readAt: asset.read_at };
  };
  live(`Asset ${id}`, "/v1/events", load, draw);
}

function draw({ asset, people }) {
  const terms = asset.terms.find((version) => version.in_force) ?? asset.terms.at(-1);
  return html`<div><h1>Asset ${asset.asset_id}</h1><p class="hash">${asset.uri}</p><p>${asset.kind[0].toUpperCase() + asset.kind.slice(1)}, owned by ${contributorLink(asset.owner)} ${badge(asset.finality)}</p></div>
    <dl class="figures">
      ${asset.kind === "dataset" ? nothing : plain("Served", tokens(sum(asset.served, "settled_fees")), `in final batches; ${tokens(sum(asset.served, "open_fees"))} open`)}
      ${asset.kind === "dataset" ? plain("Drawn on", tokens(sum(asset.drawn_on, "settled_fees")), `fees of receipts that drew on it, by its weight; ${tokens(sum(asset.drawn_on, "open_fees"))} open`) : nothing}
      ${plain("Royalty", percent(terms.royalty_ppm), "of each fee goes to those who made it")}
      ${plain("Data's share", percent(terms.data_ppm), "of the royalty follows the data drawn on")}
    </dl>
    ${card("Use over time", dailyChart(asset.kind === "dataset" ? days(asset.drawn_on) : days(asset.served), "Nobody has used this asset in a batch yet."))}
    ${card("Lineage", lineage(asset, terms))}
    ${card("Who is paid", shares(terms), listed(asset, people))}
    ${card("Terms", versions(asset.terms))}
    ${card("Prices", prices(asset.prices))}
    ${card("Identity", identity(asset))}`;
}

function sum(lines, name) {
  return whole(lines.reduce((total, line) => total + BigInt(line[name].unsafe.numerator), 0n));
}

function days(lines) {
  return lines.map((line) => ({ day: line.day, settled: line.settled_fees, open: line.open_fees }));
}

function lineage(asset, terms) {
  const links = (ids) => ids.length ? ids.map((id, n) => html`${n ? ", " : ""}${assetLink(id)}`) : "none";
  return facts([
    ["Made from", terms.parents.length ? terms.parents.map((parent, n) => html`${n ? ", " : ""}${assetLink(parent.asset_id)} (${percent(parent.ppm)})`) : "nothing registered"],
    ["Datasets it may draw on", links(terms.datasets)],
    ["Made from it", links(asset.children)],
    ["May draw on it", links(asset.admitted_by)],
  ]);
}

function shares(terms) {
  return table("Effective shares", ["Payee", "Share#"], terms.effective_shares.map((line) => [
    line.list_id === null ? contributorLink(line.payee) : html`contributor list ${line.list_id}`, part(line.share),
  ]));
}

// Share of 10^12 as a percentage, cut after six places.
function part(share) {
  const scaled = (BigInt(share) * 100_000_000n) / ONE;
  const rest = String(scaled % 1_000_000n).padStart(6, "0").replace(/0+$/, "");
  return `${scaled / 1_000_000n}${rest ? "." + rest : ""}\u202f%`;
}

function listed(asset, people) {
  if (!people.items.length) return nothing;
  return html`<h3>Through its contributor lists</h3>
    ${table("Contributors", ["Contributor", "List#", "Weight#", "Share#"], people.items.map((line) => [contributorLink(line.contributor), line.list_id, count(line.weight), part(line.share)]))}
    ${people.next_cursor ? html`<p><a href="/v1/assets/${asset.asset_id}/contributors">All of them, as JSON</a></p>` : nothing}`;
}

function versions(terms) {
  return table("Versions of the terms", ["Version", "From", "Royalty#", "Data#", "Least for children#", "Floor, 1000 in#", "Floor, 1000 out#", "Attribution"], [...terms].reverse().map((line) => [
    html`${line.version} ${line.in_force ? html`<span class="badge good">in force</span>` : nothing}`, moment(line.effective_at), percent(line.royalty_ppm), percent(line.data_ppm),
    percent(line.min_child_ppm), tokens(line.floor_input_price_units), tokens(line.floor_output_price_units), line.attribution_mode,
  ]));
}

function prices(lines) {
  return table("Prices", ["Operator", "1000 units in#", "1000 units out#", "Since"], lines.map((line) => [
    operatorLink(line.operator), tokens(line.input_price_units), tokens(line.output_price_units), moment(line.effective_at),
  ]), "No operator serves this asset at a published price.");
}

function identity(asset) {
  return facts([
    ["Content hash", html`<span class="hash">${asset.content_hash}</span>`],
    ["Where its files are", html`<span class="hash">${asset.uri || "not said"}</span>`],
    ["Licence", asset.licence ?? "not said"],
    ["Registered", html`${moment(asset.registered_at)} by ${short(asset.registrant)}`],
    ["Owners so far", asset.owners.map((line, n) => html`${n ? ", then " : ""}${contributorLink(line.owner)} since ${moment(line.since)}`)],
    ["As JSON", html`<a href="/v1/assets/${asset.asset_id}">/v1/assets/${asset.asset_id}</a>`],
  ]);
}
