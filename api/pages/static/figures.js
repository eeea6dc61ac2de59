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
  const front = String(size / one).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return sign + front + (rest ? "." + rest : "");
}

// For drawing only: the height of a bar, never an amount that is shown.
export function height(units) {
  return Number(units) / 10 ** decimals;
}

export function whole(numerator) {
  return BigInt(numerator) / PRECISE;
}

export function badge(finality) {
  return html`<span class="badge ${finality}">${finality}</span>`;
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

export function figure(name, units, note = "") {
  return html`<div><dt>${name}</dt><dd>${units === null ? "—" : tokens(units)}${note ? html`<small>${note}</small>` : ""}</dd></div>`;
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
