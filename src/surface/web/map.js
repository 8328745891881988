// The density map: a cell for each component. One pixel of a hidden picture is a cell; moving about
// only scales that picture, so 100,000 cells cost as much as ten. It is drawn when something changed.

import { CONDITIONS, LETTERS, NOT_WELL, badge, el, link, number, say, shape, since, table } from "./dom.js";
import * as store from "./store.js";
import { membersIn, tally } from "./tree.js";

const HEADS_MAX = 40; // more groups than that have no names on the map
const MARKS_MAX = 2000; // of cells that are not well
const SCALE_MAX = 48; // pixels a cell
const LETTERS_FROM = 13, GRID_FROM = 5;
const HEAD_PX = 18;
const TABLE_ROWS = 200;

// ---- where each cell is ----

/** Components in the order of the tree: [{name, list}], by the group that they are in. */
function blocksOf() {
  const blocks = [];
  function add(name, label, depth) {
    const all = membersIn(name);
    const list = all.filter((m) => m.kind !== "group");
    if (list.length > 0) blocks.push({ name, label, list });
    if (depth < 32) for (const group of all) if (group.kind === "group") add(group.name, (label ? label + " / " : "") + group.name, depth + 1);
  }
  add("", "", 0);
  return blocks;
}

/** Rows that blocks need with so many columns, each below `head` rows for its name. */
const rowsOf = (blocks, columns, head) => blocks.reduce((sum, block) => sum + head + Math.ceil(block.list.length / columns), 0);

/** Gives each block its place; where each cell is: {cells, across, down}. */
function lay(blocks, columns, head) {
  const count = blocks.reduce((sum, block) => sum + block.list.length, 0);
  const cells = [], across = new Uint16Array(count), down = new Uint32Array(count);
  let row = 0;
  for (const block of blocks) {
    block.row = row += head;
    block.first = cells.length;
    block.list.forEach((member, at) => {
      across[cells.length] = at % columns;
      down[cells.length] = row + Math.floor(at / columns);
      cells.push(member);
    });
    row += Math.ceil(block.list.length / columns);
  }
  return { cells, across, down };
}

export function mapPage(to) {
  const canvas = el("canvas", { class: "map", tabindex: "0", role: "application", "aria-label": "Density map of all components", "aria-describedby": "map-help" });
  const where = el("p", { class: "where" });
  const heard = el("div", { class: "hidden", "aria-live": "polite" });
  const key = el("ul", { class: "key", "aria-label": "Key" }, CONDITIONS.map((name) => el("li", null, shape(name), `${name} (${LETTERS[name]})`)));
  const zoom = (text, label, act) => el("button", { type: "button", "aria-label": label, click: act }, text);
  const tools = el("div", { class: "tools" }, zoom("−", "Smaller", () => scaleBy(1 / 1.5)), zoom("+", "Larger", () => scaleBy(1.5)), zoom("All", "Show all", fitAll), where);
  const frameBox = el("div", { class: "frame" }, canvas);
  const tables = el("div", { class: "cards wide" });
  to.append(el("h1", null, "Map"), key, tools, frameBox,
    el("p", { id: "map-help", class: "quiet" }, "Arrow keys move, Enter opens, + and − scale, 0 shows all, N goes to the next that is not well. Drag or scroll to move about. The same in tables is below."),
    heard, tables);

  const context = canvas.getContext("2d", { alpha: false });
  const picture = document.createElement("canvas");
  const pixels = picture.getContext("2d");
  let image = null;
  let words = "";
  let blocks = [], cells = [], across = [], down = [], columns = 1, rows = 1;
  const places = new Map(); // member → index
  let bad = new Set(); // indices of those not well
  let colours = {};
  let ratio = 1, width = 0, height = 0, heightMax = 0; // in CSS pixels
  let view = { x: 0, y: 0, scale: 1 }; // the cell at the left top, and pixels a cell
  let fitted = true;
  let at = -1, hover = -1;
  let frame = 0;

  // ---- colours come from the style sheet ----

  function readColours() {
    const style = getComputedStyle(canvas);
    const of = (name) => style.getPropertyValue(name).trim();
    colours = { ground: of("--ground"), text: of("--text"), faint: of("--line"), ink: of("--cell-ink"), focus: of("--focus"), font: style.fontFamily };
    const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    for (const name of CONDITIONS) {
      probe.fillStyle = of("--cell-" + name);
      probe.fillRect(0, 0, 1, 1);
      const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
      colours[name] = { css: of("--cell-" + name), word: (255 << 24) | (b << 16) | (g << 8) | r };
    }
  }

  // ---- the hidden picture ----

  function paint(index) {
    const member = cells[index];
    const hit = words === "" || member.name.toLowerCase().includes(words);
    words32[down[index] * columns + across[index]] = hit ? colours[member.condition].word : dim(colours[member.condition].word);
    if (NOT_WELL.has(member.condition) && hit) bad.add(index);
    else bad.delete(index);
  }

  const dim = (word) => (word & 0x00ffffff) | (0x30 << 24);
  let words32 = new Uint32Array(0);

  function paintAll() {
    picture.width = columns;
    picture.height = rows;
    image = new ImageData(columns, rows);
    words32 = new Uint32Array(image.data.buffer);
    bad = new Set();
    for (let index = 0; index < cells.length; index++) paint(index);
    pixels.putImageData(image, 0, 0);
  }

  /** How many columns, so that all are in sight with cells as large as may be. */
  function arrange() {
    const was = cells[at];
    blocks = blocksOf();
    if (blocks.length > HEADS_MAX) blocks = [{ name: "", label: "", list: blocks.flatMap((block) => block.list) }];
    const count = blocks.reduce((sum, block) => sum + block.list.length, 0);
    const heads = blocks.length > 1 || blocks[0]?.label;
    let scale = Math.min(SCALE_MAX, Math.sqrt((width * heightMax) / Math.max(1, count)));
    let head = 0;
    for (; scale > 0.2; scale *= 0.98) {
      columns = Math.max(1, Math.min(65535, Math.floor(width / scale)));
      head = heads ? Math.ceil(HEAD_PX / scale) : 0;
      if (rowsOf(blocks, columns, head) * scale <= heightMax) break;
    }
    rows = Math.max(1, rowsOf(blocks, columns, head));
    ({ cells, across, down } = lay(blocks, columns, head));
    resize(Math.max(120, Math.min(heightMax, rows * scale)));
    places.clear();
    cells.forEach((member, index) => places.set(member, index));
    at = was ? places.get(was) ?? -1 : -1;
    hover = -1;
    paintAll();
    if (fitted) fitAll();
    else clamp();
  }

  // ---- where one looks ----

  const fitScale = () => Math.min(SCALE_MAX, width / columns, height / rows);

  /** A finger moves the page where there is nothing to move on the map. */
  function fitIs(fits) {
    fitted = fits;
    canvas.style.touchAction = fits ? "pan-y" : "none";
  }

  function fitAll() {
    fitIs(true);
    view = { x: 0, y: 0, scale: fitScale() };
    drawSoon();
  }

  function clamp() {
    const inside = (value, size, room) => (size <= room ? 0 : Math.max(0, Math.min(size - room, value)));
    view.scale = Math.max(fitScale(), Math.min(SCALE_MAX, view.scale));
    view.x = inside(view.x, columns, width / view.scale);
    view.y = inside(view.y, rows, height / view.scale);
    fitIs(view.scale <= fitScale() * 1.001);
    drawSoon();
  }

  function scaleBy(by, x = width / 2, y = height / 2) {
    const scale = Math.max(fitScale(), Math.min(SCALE_MAX, view.scale * by));
    view = { x: view.x + x / view.scale - x / scale, y: view.y + y / view.scale - y / scale, scale };
    clamp();
  }

  function cellAt(x, y) {
    const column = Math.floor(view.x + x / view.scale);
    const row = Math.floor(view.y + y / view.scale);
    if (column < 0 || column >= columns) return -1;
    for (const block of blocks) {
      const index = block.first + (row - block.row) * columns + column;
      if (row >= block.row && index < block.first + block.list.length) {
        if (row < block.row + Math.ceil(block.list.length / columns)) return index;
      }
    }
    return -1;
  }

  // ---- drawing ----

  function drawSoon() {
    if (frame === 0) frame = requestAnimationFrame(draw);
  }

  const left = (index) => (across[index] - view.x) * view.scale;
  const top_ = (index) => (down[index] - view.y) * view.scale;

  function eachInSight(act) {
    const [first, last] = [Math.floor(view.y), Math.ceil(view.y + height / view.scale)];
    const [west, east] = [Math.max(0, Math.floor(view.x)), Math.min(columns, Math.ceil(view.x + width / view.scale))];
    for (const block of blocks) {
      const below = Math.min(last, block.row + Math.ceil(block.list.length / columns));
      for (let row = Math.max(first, block.row); row < below; row++)
        for (let column = west; column < east; column++) {
          const index = block.first + (row - block.row) * columns + column;
          if (index < block.first + block.list.length) act(index);
        }
    }
  }

  function drawGrid() {
    context.fillStyle = colours.ground;
    const line = view.scale > 12 ? 2 : 1;
    for (let column = Math.ceil(view.x); column <= view.x + width / view.scale; column++)
      context.fillRect(Math.round((column - view.x) * view.scale) - line, 0, line, height);
    for (let row = Math.ceil(view.y); row <= view.y + height / view.scale; row++)
      context.fillRect(0, Math.round((row - view.y) * view.scale) - line, width, line);
  }

  function drawLetters() {
    context.fillStyle = colours.ink;
    context.font = `600 ${Math.min(15, view.scale * 0.55)}px ${colours.font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    eachInSight((index) => {
      context.globalAlpha = cells[index].condition === "healthy" ? 0.5 : 1;
      context.fillText(LETTERS[cells[index].condition], left(index) + view.scale / 2 - 1, top_(index) + view.scale / 2);
    });
    context.globalAlpha = 1;
  }

  /** Those not well stand out by shape where cells are too small for letters. */
  function drawMarks() {
    const seen = [];
    for (const index of bad) {
      const x = left(index), y = top_(index);
      if (x > -8 && y > -8 && x < width + 8 && y < height + 8) seen.push(index);
      if (seen.length > MARKS_MAX) return; // so many are seen by their colour's mass
    }
    context.lineWidth = 1.5;
    context.strokeStyle = colours.ground;
    const r = Math.max(7, view.scale) / 2 + 1;
    for (const index of seen) {
      const condition = cells[index].condition;
      context.fillStyle = colours[condition].css;
      markPath(condition, left(index) + view.scale / 2, top_(index) + view.scale / 2, r);
      context.fill();
      context.stroke();
    }
  }

  function markPath(condition, x, y, r) {
    const corners = { unhealthy: [[-r, -r], [r, -r], [r, r], [-r, r]], degraded: [[0, -r], [r, r], [-r, r]] }[condition] || [[0, -r], [r, 0], [0, r], [-r, 0]];
    context.beginPath();
    for (const [dx, dy] of corners) context.lineTo(x + dx, y + dy);
    context.closePath();
  }

  function drawHeads() {
    context.font = `12px ${colours.font}`;
    context.textAlign = "left";
    context.textBaseline = "bottom";
    context.fillStyle = colours.text;
    for (const block of blocks) {
      const y = (block.row - view.y) * view.scale;
      if (block.row > 0 && y > 0 && y < height + HEAD_PX) context.fillText(`${block.label || "in no group"}  ${number(block.list.length)}`, 2, y - 2, width - 4);
    }
  }

  function outline(index, colour) {
    const size = Math.max(8, view.scale);
    context.lineWidth = 2;
    context.strokeStyle = colour;
    context.strokeRect(left(index) + (view.scale - size) / 2, top_(index) + (view.scale - size) / 2, size, size);
  }

  function draw() {
    frame = 0;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = colours.ground;
    context.fillRect(0, 0, width, height);
    if (cells.length === 0) return;
    context.imageSmoothingEnabled = false;
    context.drawImage(picture, -view.x * view.scale, -view.y * view.scale, columns * view.scale, rows * view.scale);
    if (view.scale >= GRID_FROM) drawGrid();
    if (view.scale >= LETTERS_FROM) drawLetters();
    else drawMarks();
    drawHeads();
    if (hover >= 0) outline(hover, colours.text);
    if (at >= 0 && document.activeElement === canvas) outline(at, colours.focus);
    tell();
  }

  function tell() {
    const member = cells[hover >= 0 ? hover : at];
    const text = member ? `${member.name}: ${member.condition}` + (member.reason ? `, ${member.reason}` : "") + ` for ${since(member.since, store.state.skew)}` :
      store.state.loaded ? `${number(cells.length)} components` : `reading: ${number(store.state.loading)}`;
    say(where, text);
  }

  // ---- keys and pointers ----

  let heardTimer = 0;

  function goTo(index) {
    at = Math.max(0, Math.min(cells.length - 1, index));
    hover = -1;
    const margin = 2;
    const [column, row] = [across[at], down[at]];
    view.x = Math.max(column + 1 + margin - width / view.scale, Math.min(column - margin, view.x));
    view.y = Math.max(row + 1 + margin - height / view.scale, Math.min(row - margin, view.y));
    clamp();
    clearTimeout(heardTimer);
    heardTimer = setTimeout(() => at >= 0 && cells[at] && say(heard, `${cells[at].name}, ${cells[at].condition} ${cells[at].reason || ""}`), 300);
  }

  function nextBad() {
    const all = [...bad].sort((a, b) => a - b);
    if (all.length > 0) goTo(all.find((index) => index > at) ?? all[0]);
    else say(heard, "All are well.");
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || cells.length === 0) return;
    const moves = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - columns, ArrowDown: at + columns, Home: 0, End: cells.length - 1 };
    if (event.key in moves) goTo(at < 0 ? 0 : moves[event.key]);
    else if (event.key === "Enter" && at >= 0) location.hash = link(cells[at]);
    else if (event.key === "+" || event.key === "=") scaleBy(1.5);
    else if (event.key === "-") scaleBy(1 / 1.5);
    else if (event.key === "0") fitAll();
    else if (event.key === "n" || event.key === "N") nextBad();
    else return;
    event.preventDefault();
  }

  const fingers = new Map(); // pointers that are down
  let moved = 0;

  function onDown(event) {
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event);
    moved = 0;
  }

  function spread() {
    const [a, b] = [...fingers.values()];
    return Math.hypot(a.offsetX - b.offsetX, a.offsetY - b.offsetY);
  }

  function onMove(event) {
    const was = fingers.get(event.pointerId);
    if (was) {
      const before = fingers.size === 2 ? spread() : 0;
      fingers.set(event.pointerId, event);
      moved += Math.abs(event.offsetX - was.offsetX) + Math.abs(event.offsetY - was.offsetY);
      if (before > 0) return scaleBy(spread() / before, event.offsetX, event.offsetY);
      view.x -= (event.offsetX - was.offsetX) / view.scale;
      view.y -= (event.offsetY - was.offsetY) / view.scale;
      return clamp();
    }
    const index = cellAt(event.offsetX, event.offsetY);
    if (index === hover) return;
    hover = index;
    drawSoon();
  }

  function onUp(event) {
    fingers.delete(event.pointerId);
    const index = cellAt(event.offsetX, event.offsetY);
    if (event.type === "pointerup" && moved < 6 && index >= 0) location.hash = link(cells[index]);
  }

  function onWheel(event) {
    if (fitted && event.deltaY > 0 && !event.ctrlKey) return; // there is nothing smaller: the page moves
    event.preventDefault();
    if (event.shiftKey) {
      view.x += event.deltaY / view.scale;
      clamp();
    } else {
      scaleBy(Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY);
    }
  }

  // ---- the same in tables ----

  let tablesDue = 0;

  function showTables() {
    tablesDue = 0;
    if (tables.contains(document.activeElement)) return;
    const names = ["", ...[...store.members.values()].filter((m) => m.kind === "group").map((m) => m.name)];
    const rowFor = (name) => {
      const sums = name === "" ? store.counts : tally(name);
      return [name === "" ? "all" : el("a", { href: link({ kind: "group", name }) }, name), ...CONDITIONS.map((condition) => number(sums[condition] || 0))];
    };
    const trouble = [...bad].slice(0, TABLE_ROWS).map((index) => cells[index]).map((m) => [el("a", { href: link(m) }, m.name), badge(m.condition), m.reason || "", since(m.since, store.state.skew)]);
    const cut = (all) => (all > TABLE_ROWS ? el("p", { class: "quiet" }, `${number(all - TABLE_ROWS)} more are not listed.`) : "");
    const part = (title, ...inner) => el("section", { "aria-label": title }, el("h2", null, title), ...inner);
    const scroll = (label, inner) => el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, inner);
    tables.replaceChildren(
      part("By group", scroll("Components by group and condition", table("Components by group and condition", ["Group", ...CONDITIONS], names.slice(0, TABLE_ROWS).map(rowFor), { class: "numbers" })), cut(names.length)),
      part("Not well", trouble.length === 0 ? el("p", { class: "quiet" }, "None.") : scroll("Components that are not well", table("Components that are not well", ["Name", "Condition", "Reason", "For"], trouble)), cut(bad.size)));
  }

  const tablesSoon = () => {
    if (tablesDue === 0) tablesDue = setTimeout(showTables, 1000);
  };

  // ---- life ----

  let arrangeDue = 0;

  function arrangeSoon() {
    if (arrangeDue === 0) arrangeDue = setTimeout(() => {
      arrangeDue = 0;
      arrange();
      tablesSoon();
    }, store.state.loaded ? 0 : 250);
  }

  function onChange({ changed, structure }) {
    if (structure) return arrangeSoon();
    let some = false;
    for (const member of changed) {
      const index = places.get(member);
      if (index === undefined) continue;
      paint(index);
      some = true;
    }
    if (!some) return;
    pixels.putImageData(image, 0, 0);
    drawSoon();
    tablesSoon();
  }

  /** The canvas is as high as its cells need, and no higher than `heightMax`. */
  function resize(wanted) {
    height = Math.round(wanted);
    ratio = devicePixelRatio || 1;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    canvas.style.width = width + "px";
    canvas.style.height = height + "px";
  }

  function onSize() {
    width = Math.floor(frameBox.clientWidth);
    heightMax = Math.max(240, Math.floor(innerHeight * 0.62));
    arrange();
  }

  function onTheme() {
    readColours();
    paintAll();
    drawSoon();
  }

  const dark = matchMedia("(prefers-color-scheme: dark)");
  for (const [name, act] of Object.entries({ keydown: onKey, pointerdown: onDown, pointermove: onMove, pointerup: onUp, pointercancel: onUp, focus: drawSoon, blur: drawSoon }))
    canvas.addEventListener(name, act);
  canvas.addEventListener("pointerleave", () => {
    hover = -1;
    drawSoon();
  });
  canvas.addEventListener("wheel", onWheel, { passive: false });
  dark.addEventListener("change", onTheme);
  addEventListener("resize", onSize);
  const off = store.on("change", onChange);
  readColours();
  onSize();
  showTables();

  return {
    close() {
      off();
      cancelAnimationFrame(frame);
      for (const timer of [tablesDue, arrangeDue, heardTimer]) clearTimeout(timer);
      dark.removeEventListener("change", onTheme);
      removeEventListener("resize", onSize);
    },
    find(text) {
      words = text.toLowerCase();
      paintAll();
      drawSoon();
    },
  };
}
