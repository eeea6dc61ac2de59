// Tables and lists of facts, the same on every page.
import { html } from "lit-html";

// A table that scrolls by itself where the screen is narrow, with the keyboard too. A column named "…#" holds numbers.
export function table(name, columns, rows, empty = "None yet.") {
  if (!rows.length) return html`<p class="empty">${empty}</p>`;
  const heads = columns.map((column) => ({ text: column.replace(/#$/, ""), kind: column.endsWith("#") ? "number" : "" }));
  return html`<div class="scroll" role="region" aria-label=${name} tabindex="0"><table>
    <thead><tr>${heads.map((head) => html`<th scope="col" class=${head.kind}>${head.text}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr>${row.map((cell, n) => html`<td class=${heads[n].kind}>${cell}</td>`)}</tr>`)}</tbody></table></div>`;
}

// Name and value, line by line; a pair whose value is null is left out.
export function facts(pairs) {
  return html`<dl class="facts">${pairs.filter(([, value]) => value !== null).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

export function card(title, ...content) {
  const id = title.toLowerCase().replace(/[^a-z]+/g, "-");
  return html`<section class="card" aria-labelledby=${id}><h2 id=${id}>${title}</h2>${content}</section>`;
}
