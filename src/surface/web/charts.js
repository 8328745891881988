// Small pictures of figures: a line of the last minutes, and the strip of what a member was. Each says
// in words what it shows; none is told by colour alone.

import { el, say, svg } from "./dom.js";

const WIDTH = 320;
const HEIGHT = 56;

function pathOf(points, top) {
  const from = points[0].at;
  const across = Math.max(1, points[points.length - 1].at - from);
  let path = "";
  let pen = "M";
  for (const { at, value } of points) {
    if (value === null || !Number.isFinite(value)) {
      pen = "M"; // a gap: nothing is known
      continue;
    }
    const x = ((at - from) / across) * WIDTH;
    const y = HEIGHT - 3 - (value / top) * (HEIGHT - 6);
    path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
  }
  return path;
}

/** A line of figures, written by `write`; draw(points) has {at, value or null}, oldest first. */
export function spark(title, write) {
  const now = el("strong", null, "–");
  const note = el("p", { class: "quiet" });
  const line = svg("path", { class: "line" });
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": title },
    svg("path", { class: "base", d: `M0 ${HEIGHT - 3}H${WIDTH}` }), line);
  const node = el("figure", { class: "spark" }, el("figcaption", null, title + " ", now), picture, note);

  function draw(points) {
    const values = points.map((point) => point.value).filter((value) => value !== null && Number.isFinite(value));
    if (values.length === 0) return say(note, "nothing yet");
    const most = Math.max(...values);
    const least = Math.min(...values);
    say(now, write(values[values.length - 1]));
    say(note, `from ${write(least)} to ${write(most)}`);
    picture.setAttribute("aria-label", `${title}: now ${now.textContent}, ${note.textContent}`);
    line.setAttribute("d", pathOf(points, Math.max(most * 1.05, Number.MIN_VALUE)));
  }
  return { node, draw };
}

// ---- what it was, and when ----

// The worse, the higher.
const HEIGHTS = { unhealthy: 40, unready: 31, degraded: 23, starting: 16, healthy: 10, stopped: 5 };

/** spells: {condition, from, to} in ms; marks: {at, text}, of restarts. `words` says it all. */
export function strip(spells, marks, begin, end, words) {
  const across = Math.max(1, end - begin);
  const x = (at) => ((Math.min(Math.max(at, begin), end) - begin) / across) * 1000;
  const pieces = spells.filter((spell) => spell.to > begin).map(({ condition, from, to }) =>
    svg("rect", { class: "piece " + condition, x: x(from).toFixed(2), y: 48 - HEIGHTS[condition],
      width: Math.max(1.5, x(to) - x(from)).toFixed(2), height: HEIGHTS[condition] }));
  const ticks = marks.filter((mark) => mark.at >= begin).map(({ at, text }) =>
    svg("path", { class: "tick", d: `M${x(at).toFixed(1)} 0v6` }, svg("title", null, text)));
  return svg("svg", { class: "strip", viewBox: "0 0 1000 48", preserveAspectRatio: "none", role: "img", "aria-label": words }, pieces, ticks);
}
