// What all pages share: elements, conditions, and how figures are written. What a guest says becomes
// a text node here and nowhere else; nothing is ever parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") node.addEventListener(key, value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const el = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children);
export const svg = (tag, attributes, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

/** Puts `text` there, if it is another one: nothing is laid out anew for nothing. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// ---- conditions: a colour, a shape and a letter each ----

/** From the worst to the best: the order in which they are shown. */
export const CONDITIONS = ["unhealthy", "unready", "degraded", "starting", "healthy", "stopped"];
export const NOT_WELL = new Set(["unhealthy", "unready", "degraded"]);
export const LETTERS = {
  unhealthy: "X", unready: "N", degraded: "D", starting: "S", healthy: "H", stopped: "O",
};
const SHAPES = {
  unhealthy: "M2 2h12v12H2zM5.2 5.2l5.6 5.6M10.8 5.2l-5.6 5.6",
  unready: "M8 1l7 7-7 7-7-7zM5 8h6",
  degraded: "M8 1.5l7 12.5H1zM8 6.2v4M8 12v.6",
  starting: "M8 1.5a6.5 6.5 0 1 0 .01 0zM8 4.5V8l2.5 1.5",
  healthy: "M8 1.5a6.5 6.5 0 1 0 .01 0zM4.8 8.2l2.2 2.2 4.2-4.6",
  stopped: "M2 5.5h12v5H2z",
};

export function shape(condition) {
  const path = SHAPES[condition] || SHAPES.starting;
  const cut = path.indexOf("M", 1);
  return svg("svg", { class: "shape " + condition, viewBox: "0 0 16 16", "aria-hidden": "true" },
    svg("path", { class: "body", d: cut < 0 ? path : path.slice(0, cut) }),
    cut < 0 ? null : svg("path", { class: "mark", d: path.slice(cut) }));
}

export const badge = (condition) =>
  el("span", { class: "badge " + condition }, shape(condition), condition);

// ---- figures ----

const pad = (number, digits = 2) => String(number).padStart(digits, "0");

export function duration(ns) {
  if (ns === null || ns === undefined || !Number.isFinite(ns)) return "–";
  if (ns < 1e3) return Math.round(ns) + " ns";
  if (ns < 1e6) return trim(ns / 1e3) + " µs";
  if (ns < 1e9) return trim(ns / 1e6) + " ms";
  const s = ns / 1e9;
  if (s < 60) return trim(s) + " s";
  if (s < 3600) return Math.floor(s / 60) + " min " + pad(Math.floor(s % 60)) + " s";
  if (s < 86400) return Math.floor(s / 3600) + " h " + pad(Math.floor((s % 3600) / 60)) + " min";
  return Math.floor(s / 86400) + " d " + Math.floor((s % 86400) / 3600) + " h";
}

const trim = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));

export function bytes(count) {
  if (count === null || count === undefined) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (count >= 1024 && unit < units.length - 1) {
    count /= 1024;
    unit++;
  }
  return (unit === 0 ? count : trim(count)) + " " + units[unit];
}

export const number = (value) => Number(value).toLocaleString("en");

export function clock(time) {
  const date = new Date(time);
  return pad(date.getHours()) + ":" + pad(date.getMinutes()) + ":" + pad(date.getSeconds()) +
    "." + pad(date.getMilliseconds(), 3);
}

/** "12 s": how long ago by the host's clock, which `skew` ms tells from ours. */
export function since(time, skew = 0) {
  if (!time) return "";
  const ms = Math.max(0, Date.now() + skew - Date.parse(time));
  if (ms < 60e3) return Math.floor(ms / 1e3) + " s";
  if (ms < 3600e3) return Math.floor(ms / 60e3) + " min";
  if (ms < 86400e3) return Math.floor(ms / 3600e3) + " h";
  return Math.floor(ms / 86400e3) + " d";
}

export const link = (member) =>
  "#/" + (member.kind === "group" ? "g" : "c") + "/" + encodeURIComponent(member.name);

// ---- pieces ----

/** A table from rows of cells; the first cell of a row is its header. */
export function table(caption, heads, rows, more = {}) {
  const cell = (value, at) => at === 0 ? el("th", { scope: "row" }, value) : el("td", null, value);
  const head = heads && el("thead", null, el("tr", null, heads.map((text) => el("th", { scope: "col" }, text))));
  return el("table", more, el("caption", { class: "hidden" }, caption), head,
    el("tbody", null, rows.map((row) => el("tr", null, row.map(cell)))));
}

export function section(title, ...children) {
  const id = "h-" + title.toLowerCase().replace(/[^a-z]+/g, "-");
  return el("section", { "aria-labelledby": id }, el("h2", { id }, title), children);
}

/** Reads JSON. A failure has the words of the problem document, and `status`. */
export async function read(path, signal) {
  const answer = await fetch(path, { signal, headers: { Accept: "application/json" } });
  if (answer.ok) return answer.json();
  const problem = await answer.json().catch(() => ({}));
  throw Object.assign(new Error(problem.detail || answer.statusText), { status: answer.status });
}
