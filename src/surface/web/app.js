// The frame around the pages: which page is shown, counts, the state of the link, keys.

import { CONDITIONS, el, link, number, say, shape, NOT_WELL } from "./dom.js";
import * as store from "./store.js";
import { feedPage } from "./feed.js";
import { mapPage } from "./map.js";
import { memberPage } from "./member.js";
import { treePage } from "./tree.js";

const main = document.getElementById("main");
const search = document.getElementById("search");
const notice = document.getElementById("notice");

// ---- pages, by what is behind the # ----

let page = null; // {close(), find(words), escape()}
let shown = "";

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function pageFor(hash) {
  const [path, query] = hash.replace(/^#/, "").split("?");
  const [, first, ...rest] = path.split("/");
  const params = new URLSearchParams(query);
  const name = decode(rest.join("/"));
  switch (first || "") {
    case "": return ["Components", (to) => treePage(to, params)];
    case "c": return [name, (to) => memberPage(to, "component", name)];
    case "g": return [name, (to) => memberPage(to, "group", name)];
    case "map": return ["Map", mapPage];
    case "events": return ["Events", feedPage];
    default: return ["Not found", (to) => {
      to.append(el("h1", null, "Not found"), el("p", null, "There is no such page. ", el("a", { href: "#/" }, "All components")));
      return {};
    }];
  }
}

function show() {
  const hash = location.hash || "#/";
  const [title, open] = pageFor(hash);
  page?.close?.();
  main.replaceChildren();
  document.title = title + " – Ward";
  const path = hash.split("?")[0];
  for (const a of document.querySelectorAll("nav a, a.chip")) {
    if (a.getAttribute("href") === (a.matches(".chip") ? hash : path)) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
  }
  page = open(main) || {};
  page.find?.(search.value.trim());
  if (shown !== "" && shown !== path) {
    window.scrollTo(0, 0);
    if (document.activeElement !== search) main.focus({ preventScroll: true });
  }
  shown = path;
}

// ---- counts ----

const chips = new Map();

function makeCounts() {
  const to = document.getElementById("counts");
  for (const condition of CONDITIONS) {
    const figure = el("span", { class: "figure" }, "–");
    const chip = el("a", { class: "chip " + condition, href: "#/?condition=" + condition },
      shape(condition), figure, " ", condition);
    chips.set(condition, { figure, chip });
    to.append(el("li", null, chip));
  }
}

function showCounts() {
  const counts = store.state.loaded && !store.state.cut ? store.counts : store.state.host?.components;
  for (const condition of CONDITIONS) {
    const { figure, chip } = chips.get(condition);
    const count = counts?.[condition];
    say(figure, count === undefined ? "–" : number(count));
    chip.classList.toggle("none", !count);
  }
}

// ---- the link, and what the host says of itself ----

function showLink() {
  const { link, detail, loaded, loading, host, cut } = store.state;
  const node = document.getElementById("link");
  node.dataset.state = link;
  say(document.getElementById("link-text"), loading > 0 ? `reading ${number(loading)}` : link);
  const words = [];
  if (link === "broken") words.push(`No news from the host: ${detail}. What is shown may be old.`);
  if (host?.journal?.failing) words.push(`The journal fails: ${host.journal.reason}`);
  if (host && !host.workers_live) words.push("The host's workers are stuck.");
  if (cut) words.push(`Of all that this host has, only ${number(store.members.size)} are shown; the counts are of all.`);
  if (host?.stopping || host?.leaving) words.push("The host is stopping.");
  say(notice, words.join(" "));
  notice.hidden = words.length === 0;
  document.body.classList.toggle("stale", link === "broken");
  if (host) {
    say(document.getElementById("host"), `Ward ${host.version}, run ${host.run}: ${number(host.children)} components on ` +
      `${host.workers} workers` + (host.journal ? `, ${number(host.journal.written)} events written` : ", no journal"));
  }
  if (!loaded || cut) showCounts();
}

// ---- for those who hear the page: changes for the worse, and back, a few words at a time ----

const spoken = document.getElementById("spoken");
const before = new Map();
let toSay = new Map();
let sayTimer = 0;

function listen({ changed }) {
  showCounts();
  for (const member of changed) {
    const key = store.keyOf(member.kind, member.name);
    const was = before.get(key);
    const now = member.condition;
    if (NOT_WELL.has(now)) before.set(key, now);
    else before.delete(key);
    if (!store.state.loaded || was === now || (!was && !NOT_WELL.has(now))) continue;
    toSay.set(key, `${member.name} is ${now}` + (member.reason ? ": " + member.reason : ""));
  }
  if (toSay.size > 0 && sayTimer === 0) sayTimer = setTimeout(speak, 1500);
}

function speak() {
  sayTimer = 0;
  const all = [...toSay.values()];
  toSay = new Map();
  say(spoken, all.length <= 3 ? all.join(". ") : `${all.slice(0, 2).join(". ")}. And ${all.length - 2} more changes.`);
}

// ---- keys ----

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const writing = event.target.closest("input, select, textarea");
  if (event.key === "Escape") {
    if (writing === search && search.value !== "") {
      search.value = "";
      page.find?.("");
    } else if (writing) {
      writing.blur();
    } else if (!page.escape?.()) {
      location.hash = "#/";
    }
  } else if (writing) {
    if (writing === search && event.key === "Enter") onEnter();
  } else if (event.key === "/") {
    event.preventDefault();
    search.focus();
    search.select();
  }
}

/** Straight to what has that very name; else to the list of those whose names have the words. */
function onEnter() {
  const words = search.value.trim();
  const member = store.find("component", words) || store.find("group", words);
  if (member) {
    search.value = "";
    search.blur();
    location.hash = link(member);
  } else if (page.find) main.querySelector("[role=tree]")?.focus();
  else location.hash = "#/";
}

search.addEventListener("input", () => {
  if (page.find) page.find(search.value.trim());
  else if (search.value !== "") location.hash = "#/";
});
document.addEventListener("keydown", onKey);
addEventListener("hashchange", show);
store.on("change", listen);
store.on("link", showLink);
makeCounts();
show();
store.pulse();
store.follow();
