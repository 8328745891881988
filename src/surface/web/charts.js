// Small pictures of the past: the strip of conditions, and lines of figures. Each says in words what
// it shows.

import { el, say, svg } from "./dom.js";

// A condition is told by height as well as by colour: the worse, the higher.
const HEIGHTS = { unhealthy: 1, unready: 0.82, degraded: 0.64, healthy: 0.4, starting: 0.25, stopped: 0.12 };
const STRIP = { width: 1000, height: 44 };

/**
 * What it was, and when. spells: [{from, to, condition}] in ms, oldest first; marks: [{at, text}],
 * of restarts; `words` says it all.
 */
export function strip(spells, marks, begin, end, words) {
  const x = (at) => ((Math.max(begin, Math.min(end, at)) - begin) / (end - begin)) * STRIP.width;
  const bars = spells.filter((spell) => spell.to > begin).map(({ condition, from, to }) => {
    const height = STRIP.height * HEIGHTS[condition];
    return svg("rect", { class: "spell " + condition, x: x(from).toFixed(1), width: Math.max(1.5, x(to) - x(from)).toFixed(1),
      y: (STRIP.height - height).toFixed(1), height: height.toFixed(1) },
    svg("title", null, `${condition}, from ${new Date(from).toLocaleTimeString()}`));
  });
  const ticks = marks.filter((mark) => mark.at >= begin).map(({ at, text }) =>
    svg("path", { class: "restart", d: `M${x(at).toFixed(1)} 0v${STRIP.height}` }, svg("title", null, text)));
  return svg("svg", { class: "strip", viewBox: `0 0 ${STRIP.width} ${STRIP.height}`, preserveAspectRatio: "none",
    role: "img", "aria-label": words }, bars, ticks);
}

const SPARK = { width: 240, height: 44, gap: 3 };

/** A line of figures, written by `write`; draw(points) has {at, value or null}, oldest first. */
export function spark(title, write) {
  const line = svg("path", { class: "line" });
  const area = svg("path", { class: "area" });
  const picture = svg("svg", { class: "spark", viewBox: `0 0 ${SPARK.width} ${SPARK.height}`, preserveAspectRatio: "none",
    role: "img", "aria-label": title + ": nothing yet" }, area, line);
  const now = el("span", { class: "now" }, "–");
  const range = el("span", { class: "range" }, "nothing yet");
  const node = el("figure", null, el("figcaption", null, el("span", { class: "what" }, title), now), picture, range);

  function pathOf(known) {
    const values = known.map((point) => point.value);
    const low = Math.min(...values), high = Math.max(...values);
    const floor = low === high ? 0 : low - (high - low) * 0.15;
    const top = low === high ? (high || 1) * 2 : high; // a level that stays lies in the middle
    const begin = known[0].at, across = Math.max(1, known[known.length - 1].at - begin);
    const y = (value) => (SPARK.height - SPARK.gap - ((value - floor) / (top - floor)) * (SPARK.height - 2 * SPARK.gap)).toFixed(1);
    if (known.length === 1) return `M0 ${y(low)}H${SPARK.width}`;
    return "M" + known.map(({ at, value }) => `${(((at - begin) / across) * SPARK.width).toFixed(1)} ${y(value)}`).join("L");
  }

  function draw(points) {
    const known = points.filter(({ value }) => value !== null && Number.isFinite(value));
    if (known.length === 0) return;
    const values = known.map((point) => point.value);
    const path = pathOf(known);
    line.setAttribute("d", path);
    area.setAttribute("d", `${path}L${SPARK.width} ${SPARK.height}L0 ${SPARK.height}Z`);
    say(now, write(values[values.length - 1]));
    const low = write(Math.min(...values)), high = write(Math.max(...values));
    say(range, low === high ? "no change" : `${low} to ${high}`);
    picture.setAttribute("aria-label", `${title}: now ${now.textContent}, ${range.textContent}`);
  }
  return { node, draw };
}
