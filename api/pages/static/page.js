// What every page does: show that it loads, show it, keep it fresh, and say what went wrong.
import { html, render } from "lit-html";
import { heads } from "./figures.js";

const main = document.getElementById("main");
const foot = document.getElementById("heads");
const noticeLine = document.getElementById("notice");
main.replaceChildren(); // the shell's words; from here on the templates own it

export function notice(text) {
  noticeLine.textContent = text;
}

export function show(title, content, readAt) {
  document.title = `${title} · Tributary`;
  render(content, main);
  main.setAttribute("aria-busy", "false");
  if (readAt) render(heads(readAt), foot);
}

export function showLoading(title) {
  main.setAttribute("aria-busy", "true");
  render(html`<h1>${title}</h1><p class="empty">Reading the ledger …</p><div class="skeleton"></div>`, main);
}

export function showProblem(title, problem) {
  show(title, html`<h1>${title}</h1><section class="card problem" role="alert"><h2>${problem.title ?? "Something went wrong"}</h2><p>${problem.message}</p>
    <p><button @click=${() => location.reload()}>Try again</button></p></section>`);
}

// Draw a page now and whenever the ledger moves. `load` reads, `draw` gives the template.
export function live(title, path, load, draw) {
  let drawn = false, last = null;
  const refresh = async () => {
    try {
      const data = await load();
      show(title, draw(data), data.readAt);
      const block = data.readAt?.l2.unsafe;
      if (last && block && block.number <= last.number && block.hash !== last.hash)
        notice("The chain was reorganised: some figures have changed since you opened this page.");
      else if (drawn) notice("");
      last = block;
      drawn = true;
    } catch (problem) {
      if (drawn && problem.status !== 404) notice(`${problem.title}: ${problem.message} What you see is from before.`);
      else showProblem(title, problem);
    }
  };
  showLoading(title);
  refresh();
  const events = new EventSource(path);
  events.addEventListener("change", refresh);
  addEventListener("pagehide", () => events.close());
  return refresh;
}
