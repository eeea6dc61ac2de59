// Every path of the API, out of its OpenAPI document.
import { html, nothing } from "lit-html";
import { read } from "./api.js";
import { show } from "./page.js";

export async function docsPage() {
  const document_ = await read("/openapi.json");
  const groups = new Map();
  for (const [path, methods] of Object.entries(document_.paths))
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags?.[0] ?? "service";
      groups.set(tag, [...(groups.get(tag) ?? []), { path, method, operation }]);
    }
  show("API", html`<div><h1>${document_.info.title} API ${document_.info.version}</h1>
    ${document_.info.description.trim().split("\n\n").map((part) => html`<p>${prose(part)}</p>`)}
    <p><a href="/openapi.json">OpenAPI document</a></p></div>
    ${[...groups].map(([tag, lines]) => html`<section class="card"><h2>${tag}</h2>${lines.map(operationOf)}</section>`)}`);
}

function operationOf({ path, method, operation }) {
  const parameters = operation.parameters ?? [];
  return html`<details><summary><code>${method.toUpperCase()} ${path}</code> ${prose(operation.description?.split("\n")[0] ?? operation.summary)}</summary>
    <p>${prose(operation.description ?? "")}</p>
    ${parameters.length ? html`<div class="scroll" role="region" aria-label="Parameters of ${path}" tabindex="0"><table><thead><tr><th scope="col">Parameter</th><th scope="col">In</th><th scope="col">Form</th><th scope="col">Meaning</th></tr></thead>
      <tbody>${parameters.map((line) => html`<tr><td><code>${line.name}</code>${line.required ? " (required)" : nothing}</td><td>${line.in}</td><td><code>${form(line.schema)}</code></td><td>${prose(line.description ?? "")}</td></tr>`)}</tbody></table></div>` : nothing}
    <p>Answers: ${Object.entries(operation.responses).map(([code, answer]) => html`<span class="badge">${code}</span> ${answer.description} `)}</p></details>`;
}

// Words with `code` in them.
function prose(text) {
  return text.split("`").map((part, n) => (n % 2 ? html`<code>${part}</code>` : part));
}

function form(schema = {}) {
  const kinds = (schema.anyOf ?? [schema]).map((kind) => kind.pattern ?? kind.enum?.join(" | ") ?? kind.type ?? kind.$ref?.split("/").pop());
  return kinds.join(" or ");
}
