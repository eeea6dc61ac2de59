// Amounts by day as bars, with a table of the same figures for whoever can't see or point.
import { html } from "lit-html";
import { height, tokens, whole } from "./figures.js";

const DAY = 86_400, LEAST_DAYS = 14;
let plotting;

export function dailyChart(days, empty) {
  const rows = days.map((day) => ({
    day: day.day,
    settled: whole((day.settled.finalized ?? day.settled.unsafe).numerator),
    open: whole(day.open.unsafe.numerator) + whole(day.settled.unsafe.numerator) - whole((day.settled.finalized ?? day.settled.unsafe).numerator),
  }));
  if (!rows.length) return html`<p class="empty">${empty}</p>`;
  queueMicrotask(() => draw(rows));
  return html`<div id="daily" class="chart" role="img" aria-label="Amounts by day; the table below has the same figures"></div>
    <details><summary>As a table</summary><table><caption>Amounts by UTC day</caption>
    <thead><tr><th scope="col">Day</th><th scope="col" class="number">Final</th><th scope="col" class="number">Not final yet</th></tr></thead>
    <tbody>${rows.map((row) => html`<tr><td>${row.day}</td><td class="number">${tokens(row.settled)}</td><td class="number">${tokens(row.open)}</td></tr>`)}</tbody></table></details>`;
}

async function draw(rows) {
  const place = document.getElementById("daily");
  const shown = JSON.stringify(rows.map((row) => [row.day, String(row.settled), String(row.open)])) + place?.clientWidth;
  if (!place || place.dataset.shown === shown) return; // the ledger moved, these figures did not
  place.dataset.shown = shown;
  const { default: uPlot } = await (plotting ??= import("./vendor/uplot/uPlot.esm.js"));
  const style = getComputedStyle(document.documentElement);
  const [ink, accent, line] = ["--soft", "--accent", "--line"].map((name) => resolved(style.getPropertyValue(name)));
  const bars = uPlot.paths.bars({ size: [0.6, 60, 2] });
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
  const known = new Map(rows.map((row) => [Date.parse(row.day) / 1000, row])), days = [...known.keys()], last = days.at(-1);
  const first = Math.min(days[0], last - (LEAST_DAYS - 1) * DAY), span = [first - DAY / 2, last + DAY / 2];
  const times = Array.from({ length: (last - first) / DAY + 1 }, (_, n) => first + n * DAY);
  const heights = (of) => times.map((time) => (known.has(time) ? height(of(known.get(time))) : 0));
  const bar = { stroke: accent, paths: bars, points: { show: false } };
  const total = heights((row) => row.settled + row.open), settled = heights((row) => row.settled);
  place.replaceChildren();
  new uPlot({
    width: Math.max(240, place.clientWidth), height: 220, cursor: { show: false }, legend: { live: false },
    scales: { x: { range: () => span }, y: { range: (_, __, most) => [0, most * 1.1 || 1] } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    axes: [{ ...axis, space: 96, incrs: [1, 2, 7, 14, 30, 60, 90, 180, 365, 730].map((days) => days * DAY), values: "{YYYY}-{MM}-{DD}" }, { ...axis, size: 70 }],
    series: [{}, { ...bar, label: "with what is not final", fill: accent + "55" }, { ...bar, label: "final", fill: accent }],
  }, [times, total, settled], place);
}

// A canvas knows no light-dark(): have the browser work out the colour.
function resolved(value) {
  const probe = document.createElement("span");
  probe.style.color = value;
  document.body.append(probe);
  const [r, g, b] = getComputedStyle(probe).color.match(/\d+/g).map(Number);
  probe.remove();
  return "#" + [r, g, b].map((part) => part.toString(16).padStart(2, "0")).join("");
}

export function shareBars(lines) {
  const most = lines.reduce((top, line) => (line.numerator > top ? line.numerator : top), 1n);
  return html`<ul class="bars">${lines.map((line) => html`<li><span>${tokens(whole(line.numerator))}</span>${line.label}
    <progress max="1000" value=${Number((line.numerator * 1000n) / most)} aria-label=${line.name}></progress></li>`)}</ul>`;
}
