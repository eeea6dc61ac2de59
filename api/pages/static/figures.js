// Amounts, times and names as people read them. Amounts are BigInt: a float never touches money.
import { html } from "lit-html";

export const PRECISE = 10n ** 30n;
let decimals = 6;

export function setDecimals(count) {
  decimals = count;
}

export function tokens(units) {
  const whole = BigInt(units), one = 10n ** BigInt(decimals);
  const sign = whole < 0n ? "−" : "", size = whole < 0n ? -whole : whole;
  const rest = String(size % one).padStart(decimals, "0").replace(/0+$/, "");
  return sign + count(size / one) + (rest ? "." + rest : "");
}

export function count(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

// A decimal such as "1234.50", its whole part in groups.
export function decimal(text) {
  const [whole, rest] = text.split(".");
  return rest ? `${count(whole)}.${rest}` : count(whole);
}

export function percent(ppm) {
  const rest = String(ppm % 10_000).padStart(4, "0").replace(/0+$/, "");
  return `${count(Math.floor(ppm / 10_000))}${rest ? "." + rest : ""}\u202f%`;
}

// The same cut after one place, where more would only look exact.
export function about(ppm) {
  return percent(ppm - (ppm % 1_000));
}

export function many(number, one, more) {
  return `${count(number)} ${Number(number) === 1 ? one : more}`;
}

export function duration(seconds) {
  const parts = [[86_400, "d"], [3_600, "h"], [60, "min"], [1, "s"]];
  const at = Math.max(0, parts.findIndex(([size]) => seconds >= size));
  return parts.slice(at, at + 2)
    .map(([size, name], n) => [Math.floor((n ? seconds % parts[at][0] : seconds) / size), name])
    .filter(([amount], n) => amount || !n).map(([amount, name]) => `${amount}\u202f${name}`).join(" ");
}

// For drawing only: the height of a bar, never an amount that is shown.
export function height(units) {
  return Number(units) / 10 ** decimals;
}

export function whole(numerator) {
  return BigInt(numerator) / PRECISE;
}

export function badge(finality) {
  return html`<span class="badge ${finality}" title="Finality of the block that this stands on">${finality}</span>`;
}

// How a batch stands: final is good, voided is bad.
export function status(name) {
  return html`<span class=${{ finalized: "good", voided: "bad" }[name] ?? "wait"}>${name}</span>`;
}

export function moment(seconds) {
  const at = new Date(seconds * 1000);
  return html`<time datetime=${at.toISOString()}>${at.toISOString().slice(0, 16).replace("T", " ")} UTC</time>`;
}

export function short(hex, digits = 6) {
  return html`<span class="hash" title=${hex}>${hex.slice(0, 2 + digits)}…${hex.slice(-4)}</span>`;
}

export function contributorLink(address) {
  return html`<a href="/contributors/${address}">${short(address)}</a>`;
}

export function payerLink(address) {
  return html`<a href="/payers/${address}">${short(address)}</a>`;
}

export function operatorLink(address) {
  return html`<a href="/operators/${address}">${short(address)}</a>`;
}

export function assetLink(id, word = "") {
  return html`<a href="/assets/${id}">${word ? `${word} ${id}` : id}</a>`;
}

export function batchLink(id, word = "") {
  return html`<a href="/batches/${id}">${word ? `${word} ${id}` : id}</a>`;
}

export function figure(name, units, note = "") {
  return plain(name, units === null ? "—" : tokens(units), note);
}

// A figure that is no amount, or is text already.
export function plain(name, value, note = "", kind = "") {
  return html`<div><dt>${name}</dt><dd class=${kind}>${value}${note ? html`<small>${note}</small>` : ""}</dd></div>`;
}

// A figure at its most final known block, with what newer blocks add.
export function standing(name, value, note = "") {
  const firm = value.finalized ?? value.safe ?? value.unsafe;
  const label = value.finalized ? "finalized" : value.safe ? "safe" : "unsafe";
  const newer = BigInt(value.unsafe.units) - BigInt(firm.units);
  const rest = newer === 0n ? "" : html`; ${newer > 0n ? "+" : ""}${tokens(newer)} in newer blocks`;
  return html`<div><dt>${name}</dt><dd>${tokens(firm.units)} <small>${badge(label)} at block ${firm.block}${rest}${note ? html`<br>${note}` : ""}</small></dd></div>`;
}

export function heads(readAt) {
  const l2 = readAt.l2, at = l2.finalized ?? l2.safe ?? l2.unsafe;
  return html`Read at L2 block ${l2.unsafe.number} (chain ${l2.chain_id}), finalized through ${l2.finalized ? l2.finalized.number : "none yet"}; ${moment(at.timestamp)}. Amounts in tokens of ${decimals} decimals.`;
}
