// Everything that is registered, page by page.
import { html, nothing } from "lit-html";
import { read } from "./api.js";
import { assetLink, badge, contributorLink, moment, percent } from "./figures.js";
import { live, show } from "./page.js";
import { card, table } from "./tables.js";

const KINDS = ["model", "adapter", "dataset"];

export function assetsPage(asked) {
  const kind = KINDS.includes(asked.get("kind")) ? asked.get("kind") : null;
  const path = `/v1/assets?sort=-id&limit=50${kind ? `&kind=${kind}` : ""}`;
  const older = [];
  let next;
  const load = async () => {
    const first = await read(path);
    next ??= first.next_cursor;
    return { first, readAt: first.read_at };
  };
  const draw = ({ first, readAt }) => page(kind, [...first.items, ...older], next && (async (event) => {
    event.target.disabled = true;
    const further = await read(`${path}&cursor=${next}`);
    older.push(...further.items);
    next = further.next_cursor;
    show("Assets", draw({ first, readAt }), readAt);
  }));
  live("Assets", "/v1/events", load, draw);
}

function page(kind, items, more) {
  return html`<div><h1>Assets</h1><p>Models, adapters and datasets, each with terms that say who is paid when it serves or is drawn on.</p></div>
    <nav class="actions" aria-label="Kinds"><a href="/assets" aria-current=${kind ? nothing : "page"}>All</a>${KINDS.map((name) => html`<a href="/assets?kind=${name}" aria-current=${kind === name ? "page" : nothing}>${name}s</a>`)}</nav>
    ${card("Registered", table("Assets", ["Asset", "Kind", "Files", "Owner", "Royalty#", "Data's share#", "Licence", "Registered"], items.map((row) => [
      assetLink(row.asset_id), row.kind, html`<span class="hash">${row.uri}</span>`, contributorLink(row.owner), percent(row.royalty_ppm), percent(row.data_ppm), row.licence ?? "not said",
      html`${moment(row.registered_at)} ${badge(row.finality)}`,
    ]), "Nothing of this kind is registered yet."), more ? html`<p><button class="quiet" @click=${more}>Show more</button></p>` : nothing)}`;
}
