// The tree: groups, and what is in them. Of the rows, those in sight are in the document: a group may
// have 100,000 members.

import { CONDITIONS, NOT_WELL, badge, el, link, number, say, shape, since, svg } from "./dom.js";
import * as store from "./store.js";

const SPARE = 8; // rows above and below what is in sight
const TROUBLES = 8;

const open = new Set(); // names of groups that are open: kept from visit to visit
let settled = false; // whether those that start open have been opened

/** "worker.12" after "worker.9". */
const order = new WeakMap();
function orderOf(member) {
  let key = order.get(member);
  if (key === undefined) {
    key = (member.kind === "group" ? "0" : "1") + member.name.replace(/\d+/g, (digits) => digits.padStart(10, "0"));
    order.set(member, key);
  }
  return key;
}

export const sorted = (list) => list.sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));

/** Members of a group in order; theirs to read. */
const lists = new Map(); // by name → {structure, list}
export function membersIn(name) {
  let known = lists.get(name);
  if (!known || known.structure !== store.state.structure) {
    known = { structure: store.state.structure, list: sorted([...(store.within.get(name) || [])]) };
    lists.set(name, known);
  }
  return known.list;
}

/** How many components below a group are in which condition. */
const tallies = new Map(); // by name → {round, counts}
export function tally(name, depth = 0) {
  let known = tallies.get(name);
  if (known && known.round === store.state.round) return known.counts;
  known = { round: store.state.round, counts: {} };
  tallies.set(name, known);
  for (const member of store.within.get(name) || []) {
    const parts = member.kind !== "group" ? { [member.condition]: 1 } : depth < 32 ? tally(member.name, depth + 1) : {};
    for (const condition in parts) known.counts[condition] = (known.counts[condition] || 0) + parts[condition];
  }
  return known.counts;
}

export function treePage(to, params) {
  const wanted = params.get("condition");
  const tree = el("div", { role: "tree", "aria-label": "Groups and components", class: "tree", tabindex: "0", keydown: onKey, click: onClick, focus: mark, blur: mark });
  const troubles = el("ul", { class: "troubles" });
  const trouble = el("section", { "aria-labelledby": "h-trouble", class: "trouble" }, el("h2", { id: "h-trouble" }, "Needs a look"), troubles);
  const title = wanted && CONDITIONS.includes(wanted) ? `Components that are ${wanted}` : "Components";
  const empty = el("p", { class: "quiet" });
  to.append(el("h1", null, title), wanted ? el("p", null, el("a", { href: "#/" }, "Show all")) : trouble, empty, tree);

  let rows = []; // {member, level, open, at, of}
  let words = "";
  let at = 0; // the row with the keyboard
  let stale = true;
  let height = 0;
  let drawn = new Map(); // member → what makeRow gives

  // ---- which rows there are ----

  const fits = (member) => (!wanted || member.condition === wanted) && (words === "" || member.name.toLowerCase().includes(words));
  const filtered = () => wanted || words !== "";

  function addBelow(name, level, seen) {
    const list = membersIn(name);
    list.forEach((member, index) => {
      const group = member.kind === "group";
      const isOpen = group && open.has(member.name);
      rows.push({ member, level, open: isOpen, at: index + 1, of: list.length });
      if (isOpen && level < 32 && !seen.has(member.name)) addBelow(member.name, level + 1, new Set(seen).add(member.name));
    });
  }

  function gather() {
    const was = rows[at]?.member;
    rows = [];
    if (!settled && store.state.loaded) {
      settled = true;
      for (const member of store.members.values()) if (member.kind === "group" && (store.within.get(member.name)?.size || 0) <= 20) open.add(member.name);
    }
    if (filtered()) {
      const found = sorted([...store.members.values()].filter((m) => fits(m) && (m.kind !== "group" || !wanted)));
      rows = found.map((member, index) => ({ member, level: 1, open: false, at: index + 1, of: found.length }));
    } else {
      addBelow("", 1, new Set());
    }
    at = Math.max(0, rows.findIndex((row) => row.member === was));
    stale = false;
  }

  // ---- rows in sight ----

  function fillBar(to, name) {
    const counts = tally(name);
    const there = CONDITIONS.filter((condition) => counts[condition]);
    const text = there.map((condition) => number(counts[condition]) + " " + condition).join(", ") || "empty";
    if (to.textContent === text) return;
    const pieces = there.map((condition) => {
      const piece = el("span", { class: "piece " + condition });
      piece.style.flexGrow = counts[condition];
      return piece;
    });
    to.replaceChildren(el("span", { class: "bar", "aria-hidden": "true" }, pieces), el("span", { class: "sum" }, text));
  }

  /** A row of the document. Its parts stay while it is in sight, so that a click finds where it began. */
  function makeRow(member) {
    const group = member.kind === "group";
    const twist = el("span", { class: "twist", "aria-hidden": "true" }, group ? svgTwist() : null);
    const picture = el("span", { class: "picture" });
    const condition = el("span");
    const text = el("span", { class: "sum" });
    const reason = el("span", { class: "reason" }, group ? null : text);
    const age = el("span", { class: "since" });
    const node = el("div", { role: "treeitem", class: "row" }, twist, picture, el("a", { class: "name", href: link(member), tabindex: "-1" }, member.name), condition, reason, age);
    let was = "";

    function update() {
      if (was !== member.condition) {
        was = member.condition;
        picture.replaceChildren(shape(was));
        condition.className = "condition " + was;
        say(condition, was);
      }
      if (group) {
        fillBar(reason, member.name);
      } else {
        say(text, member.reason || "");
        reason.title = member.reason || "";
      }
      say(age, since(member.since, store.state.skew));
    }

    function place(row, index) {
      const opens = group && !filtered();
      const attributes = { id: "row-" + index, "aria-level": row.level, "aria-posinset": row.at, "aria-setsize": row.of, "data-index": index };
      for (const [key, value] of Object.entries(attributes)) if (node.getAttribute(key) !== String(value)) node.setAttribute(key, value);
      if (opens) node.setAttribute("aria-expanded", String(row.open));
      else node.removeAttribute("aria-expanded");
      twist.classList.toggle("open", row.open);
      twist.classList.toggle("idle", !opens);
      node.style.setProperty("--level", row.level - 1);
      node.style.top = index * height + "px";
      update();
    }
    return { node, update, place };
  }

  function sight() {
    const top = -tree.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(top / height) - SPARE);
    const last = Math.min(rows.length, Math.ceil((top + innerHeight) / height) + SPARE);
    return [first, Math.max(first, last)];
  }

  let sliceOf = "";

  function draw() {
    if (stale) gather();
    height = parseFloat(getComputedStyle(tree).getPropertyValue("--row")) || 34;
    tree.style.height = rows.length * height + "px";
    const [first, last] = sight();
    const wantedNow = new Map();
    for (let index = first; index < last; index++) {
      const { member } = rows[index];
      const view = drawn.get(member) || makeRow(member);
      view.place(rows[index], index);
      wantedNow.set(member, view);
    }
    for (const [member, view] of drawn) if (!wantedNow.has(member)) view.node.remove();
    drawn = wantedNow;
    let next = tree.firstChild;
    for (const { node } of drawn.values()) {
      if (node === next) next = next.nextSibling;
      else tree.insertBefore(node, next);
    }
    sliceOf = first + "-" + last;
    mark();
    const text = rows.length > 0 ? "" : !store.state.loaded ? "Reading…" : filtered() ? "None." : "There is no component.";
    say(empty, text);
    empty.hidden = text === "";
    tree.hidden = rows.length === 0;
    tree.classList.toggle("flat", tree.querySelector("[aria-expanded]") === null);
  }

  // So many rows are gathered a few times a second only.
  let drawDue = 0;

  function drawSoon() {
    if (drawDue !== 0) return;
    if (store.members.size < 5000) return draw();
    drawDue = setTimeout(() => {
      drawDue = 0;
      draw();
    }, 300);
  }

  function mark() {
    const active = document.activeElement === tree;
    for (const node of tree.children) {
      const here = Number(node.dataset.index) === at;
      node.classList.toggle("at", here && active);
      node.setAttribute("aria-selected", String(here));
    }
    if (document.getElementById("row-" + at)) tree.setAttribute("aria-activedescendant", "row-" + at);
    else tree.removeAttribute("aria-activedescendant");
  }

  // ---- keys and pointers ----

  function goTo(index) {
    at = Math.max(0, Math.min(rows.length - 1, index));
    const top = tree.getBoundingClientRect().top + at * height;
    const room = document.querySelector("header").getBoundingClientRect().bottom;
    if (top < room + 8) scrollBy(0, top - room - 8);
    else if (top + height > innerHeight) scrollBy(0, top + height - innerHeight + 8);
    draw();
  }

  function turn(index, wish) {
    const { member, open: isOpen } = rows[index];
    if (member.kind !== "group" || filtered() || isOpen === wish) return false;
    if (wish) open.add(member.name);
    else open.delete(member.name);
    stale = true;
    draw();
    return true;
  }

  function parentOf(index) {
    for (let i = index; i >= 0; i--) if (rows[i].level < rows[index].level) return i;
    return index;
  }

  function onKey(event) {
    const page = Math.max(1, Math.floor(innerHeight / height) - 4);
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1, PageDown: at + page, PageUp: at - page };
    if (rows.length === 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in moves) goTo(moves[event.key]);
    else if (event.key === "ArrowRight") turn(at, true) || (rows[at].open && goTo(at + 1));
    else if (event.key === "ArrowLeft") turn(at, false) || goTo(parentOf(at));
    else if (event.key === "Enter") location.hash = link(rows[at].member);
    else if (event.key === " ") turn(at, !rows[at].open);
    else return;
    event.preventDefault();
  }

  function onClick(event) {
    const node = event.target.closest(".row");
    if (!node || event.target.closest("a")) return;
    at = Number(node.dataset.index);
    if (!turn(at, !rows[at].open)) {
      if (rows[at].member.kind === "group" || event.target.closest(".twist")) draw();
      else location.hash = link(rows[at].member);
    }
  }

  // ---- what needs a look ----

  let troubleDue = 0;

  function showTroubles() {
    troubleDue = 0;
    const list = [];
    let more = 0;
    for (const member of store.members.values()) {
      if (member.kind === "group" || !NOT_WELL.has(member.condition)) continue;
      if (list.length < 500) list.push(member);
      else more++;
    }
    list.sort((a, b) => CONDITIONS.indexOf(a.condition) - CONDITIONS.indexOf(b.condition) || (a.since < b.since ? 1 : -1));
    more += Math.max(0, list.length - TROUBLES);
    const items = list.slice(0, TROUBLES).map((m) => el("li", { class: m.condition },
      badge(m.condition), el("a", { href: link(m) }, m.name), el("span", { class: "why" }, m.given_up ? "Given up. " : "", m.reason || ""),
      el("span", { class: "since" }, "for " + since(m.since, store.state.skew))));
    if (more > 0) items.push(el("li", { class: "more" }, `and ${number(more)} more`));
    if (items.length === 0) items.push(el("li", { class: "fine" }, store.state.loaded ? "Nothing: all is well." : "Reading…"));
    // Whoever is about to follow a link is not robbed of it.
    if (!troubles.contains(document.activeElement)) troubles.replaceChildren(...items);
  }

  // What a group's row counts is its members', whoever of them changed.
  let groupsDue = 0;

  function groupsSoon() {
    if (groupsDue === 0) groupsDue = setTimeout(() => {
      groupsDue = 0;
      for (const [member, view] of drawn) if (member.kind === "group") view.update();
    }, store.members.size < 5000 ? 50 : 400);
  }

  function onChange({ changed, structure }) {
    if (structure || (wanted && changed.size > 0)) stale = true;
    if (stale) {
      drawSoon();
    } else {
      for (const member of changed) drawn.get(member)?.update();
      groupsSoon();
    }
    if (!wanted && troubleDue === 0) troubleDue = setTimeout(showTroubles, 100);
  }

  function onScroll() {
    const [first, last] = sight();
    if (first + "-" + last !== sliceOf) draw();
  }

  const off = store.on("change", onChange);
  const clock = setInterval(() => {
    for (const view of drawn.values()) view.update();
    if (!wanted) showTroubles();
  }, 5000);
  addEventListener("scroll", onScroll, { passive: true });
  addEventListener("resize", draw);
  draw();
  if (!wanted) showTroubles();

  return {
    close() {
      off();
      clearInterval(clock);
      clearTimeout(troubleDue);
      clearTimeout(drawDue);
      clearTimeout(groupsDue);
      removeEventListener("scroll", onScroll);
      removeEventListener("resize", draw);
    },
    find(text) {
      words = text.toLowerCase();
      trouble.hidden = words !== "";
      stale = true;
      draw();
    },
    escape() {
      return false;
    },
  };
}

const svgTwist = () => svg("svg", { class: "arrow", viewBox: "0 0 16 16" }, svg("path", { d: "M5 3l6 5-6 5z" }));
