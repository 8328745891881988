// What happens, as it happens.

import { clock, el, number, read, say } from "./dom.js";
import * as store from "./store.js";

const SHOWN = 200;
const KINDS = ["state", "health", "ready", "restart", "given_up", "group", "group_health", "flapping", "set_aside", "denied", "operator", "added", "removed", "stopped", "missing", "lost"];

const words = (name) => String(name).replace(/_/g, " ");
const behind = (e) => (e.reason ? ": " + e.reason : "");

/** An event in a few words. */
export function described(e) {
  switch (e.event) {
    case "state": return `${words(e.from)} → ${words(e.to)}` + behind(e);
    case "health": case "group_health": return `${words(e.from)} → ${words(e.to)}` + (e.probe_error ? ` (${words(e.probe_error)})` : "") + behind(e);
    case "ready": return (e.ready ? "ready" : "not ready") + behind(e);
    case "restart": return `after ${words(e.cause)}, try ${e.attempt}, in ${Math.round(e.delay_ns / 1e6)} ms` + behind(e);
    case "given_up": return `after ${words(e.cause)}` + behind(e);
    case "group": return words(e.to) + (e.cause && e.cause !== "none" ? `, after ${words(e.cause)}` : "");
    case "flapping": return (e.flapping ? "flaps" : "flaps no more") + behind(e);
    case "lost": return e.count ? `${number(e.count)} events are missing here` : "some events are missing here";
    default: return e.reason || "";
  }
}

/** For the worse, for the better, or neither: a letter before the line says it too. */
function tone(e) {
  const bad = (e.event === "health" || e.event === "group_health") ? e.to !== "healthy" : e.event === "state" ? e.to === "failed" :
    e.event === "ready" ? !e.ready : ["restart", "given_up", "set_aside", "denied", "missing", "lost"].includes(e.event);
  const good = (e.event === "health" || e.event === "group_health") ? e.to === "healthy" : e.event === "ready" && e.ready;
  return bad ? "worse" : good ? "better" : "plain";
}

const MARKS = { worse: "▼", better: "▲", plain: "·" };

export function feedPage(to) {
  let paused = false;
  let waiting = 0;
  let words_ = "";
  let due = 0;
  let old = []; // from the journal, before those that the store has

  const pause = el("button", { type: "button", "aria-pressed": "false", click() {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    waiting = 0;
    draw();
  } }, "Pause");
  const kind = el("select", { id: "kind", change: load }, el("option", { value: "" }, "all kinds"), KINDS.map((name) => el("option", { value: name }, words(name))));
  const note = el("span", { class: "quiet" });
  const body = el("tbody");
  const list = el("table", { class: "events feed" }, el("caption", { class: "hidden" }, "Events, newest first"),
    el("thead", null, el("tr", null, ["Time", "Event", "Component", "What"].map((text) => el("th", { scope: "col" }, text)))), body);
  to.append(el("h1", null, "Events"), el("div", { class: "tools" }, pause, el("label", { class: "hidden", for: "kind" }, "Kind of event"), kind, note), list);

  const fits = (e) => (kind.value === "" || e.event === kind.value) && (words_ === "" || store.nameOf(e).toLowerCase().includes(words_));

  function row(e) {
    const name = store.nameOf(e);
    const isGroup = e.event === "group" || e.event === "group_health";
    const href = (isGroup ? "#/g/" : "#/c/") + encodeURIComponent(name);
    const about = tone(e);
    return el("tr", { class: about }, el("td", { class: "time" }, clock(e.time)),
      el("td", { class: "kind " + e.event }, el("span", { class: "tone", "aria-hidden": "true" }, MARKS[about]), words(e.event)),
      el("th", { scope: "row" }, name === "" ? "the host" : el("a", { href }, name)), el("td", { class: "what" }, described(e)));
  }

  function draw() {
    due = 0;
    const live = store.recent;
    const first = live.length > 0 ? live[0] : null;
    const past = first ? old.filter((e) => e.run < first.run || (e.run === first.run && e.sequence < first.sequence)) : old;
    const all = [...past, ...live].filter(fits).slice(-SHOWN).reverse();
    body.replaceChildren(...all.map(row));
    say(note, all.length === 0 ? "Nothing yet." : all.length === SHOWN ? `the last ${SHOWN}` : "");
  }

  async function load() {
    try {
      old = (await read(`/api/v1/events?limit=${SHOWN}` + (kind.value && kind.value !== "lost" ? "&kind=" + kind.value : ""))).events.filter((e) => e.time);
    } catch {
      old = [];
    }
    draw();
  }

  const off = store.on("event", (events) => {
    if (paused) {
      waiting += events.filter(fits).length;
      say(note, `${number(waiting)} more since`);
    } else if (due === 0 && !body.contains(document.activeElement)) {
      due = setTimeout(draw, 80); // a storm is drawn a few times a second
    }
  });
  load();
  return {
    close() {
      off();
      clearTimeout(due);
    },
    find(text) {
      words_ = text.toLowerCase();
      draw();
    },
  };
}
