// What every page does: show that it loads, show it, keep it fresh, and say what went wrong.
import { html, render } from "lit-html";
import { heads } from "./figures.js";

// A chain makes a block every other second; nobody reads that fast, and each look is several requests.
const CALM_MILLISECONDS = 4_000;
const RETRY_MILLISECONDS = 5_000;

const main = document.getElementById("main");
const foot = document.getElementById("heads");
const noticeLine = document.getElementById("notice");
const sentences = { state: "", said: "" };
main.replaceChildren(); // the shell's words; from here on the templates own it

function tell(kind, text) {
  sentences[kind] = text;
  noticeLine.textContent = Object.values(sentences).filter(Boolean).join(" ");
}

// Say something about what the reader did; it stays until something else is said.
export function say(text) {
  tell("said", text);
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

// `again` is when the page tries by itself; without it, trying again would not help.
export function showProblem(title, problem, again = false) {
  show(title, html`<h1>${title}</h1><section class="card problem" role="alert"><h2>${problem.title ?? "Something went wrong"}</h2><p>${problem.message}</p>
    <p>${again ? "The page tries again by itself. " : ""}<button @click=${() => location.reload()}>Try again</button></p></section>`);
}

export function passes(problem) {
  return problem.status === 0 || problem.status === 429 || problem.status >= 500;
}

// Draw a page now and whenever the ledger moves. `load` reads, `draw` gives the template.
export function live(title, path, load, draw) {
  let drawn = false, reorgs = null, reorganised = false, reading = null, wanted = false, readyAt = 0;
  const look = async () => {
    try {
      const data = await load();
      show(title, draw(data), data.readAt);
      tell("state", reorganised ? "The chain was reorganised: some figures have changed since you opened this page." : "");
      drawn = true;
    } catch (problem) {
      if (drawn && problem.status !== 404) tell("state", `${problem.title ?? "Something went wrong"}. What you see is from before; the page tries again by itself.`);
      else showProblem(title, problem, passes(problem));
      if (passes(problem)) setTimeout(refresh, RETRY_MILLISECONDS);
    }
  };
  // One look at a time, not more often than anybody reads, and none while nobody looks.
  const refresh = () => {
    wanted = true;
    if (reading || (document.hidden && drawn)) return;
    reading = setTimeout(async () => {
      wanted = false;
      await look();
      readyAt = performance.now() + CALM_MILLISECONDS;
      reading = null;
      if (wanted) refresh();
    }, Math.max(0, readyAt - performance.now()));
  };
  showLoading(title);
  refresh();
  const events = new EventSource(path);
  events.addEventListener("change", (event) => {
    const count = JSON.parse(event.data).reorgs;
    reorganised ||= reorgs !== null && count > reorgs;
    reorgs = count;
    refresh();
  });
  document.addEventListener("visibilitychange", () => wanted && refresh());
  addEventListener("pagehide", () => events.close());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  return refresh;
}
