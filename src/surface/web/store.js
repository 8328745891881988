// Who is there and how they are: read as a list once, kept up with the stream of events. After a gap
// the list is read again. What an event says is applied at once by the rule of the surfaces
// (src/surface/view.c); then the member is read, so that what is shown is what the host says.

import { CONDITIONS, read } from "./dom.js";

const PAGE = 2000; // members read at once: what is shown stays fluid meanwhile
const SILENCE_MS = 40000; // the host says something each 15 s
const BACKOFF_MS = [500, 1000, 2000, 5000, 10000, 30000];
const MEMBERS_MAX = 250000; // what a browser bears; more than that are cut off, and it is said
const DIRTY_MAX = 400; // beyond that the rule has to do until it is calm
const PAUSE_MS = 20; // between two members that one lane reads: a storm here is none for the host
const CALM_MS = 10000;
const KEPT = 1000; // events, for the feed

export const members = new Map(); // by keyOf
export const within = new Map(); // name of a group, "" the top → Set of members
export const counts = Object.fromEntries(CONDITIONS.map((name) => [name, 0])); // of components
export const recent = []; // events, oldest first
export const state = { link: "connecting", detail: "", loaded: false, loading: 0, host: null, skew: 0,
  cut: false, // there are more than MEMBERS_MAX
  structure: 0, // counts what came and went
  round: 0, // counts what was told
};

export const keyOf = (kind, name) => (kind === "group" ? "g:" : "c:") + name;
export const find = (kind, name) => members.get(keyOf(kind, name));

// ---- who wants to know: told once a frame ----

const watchers = { change: new Set(), event: new Set(), link: new Set() };
let changed = new Set();
let structure = false;
let happened = [];
let frame = 0;

/** change({changed, structure}), event(list), link(). Returns what takes it off. */
export function on(what, tell) {
  watchers[what].add(tell);
  return () => watchers[what].delete(tell);
}

function soon() {
  if (frame !== 0) return;
  // A hidden page has no frames.
  frame = document.hidden ? setTimeout(flush, 1000) : requestAnimationFrame(flush);
}

function flush() {
  frame = 0;
  state.round++;
  const news = { changed, structure };
  const events = happened;
  changed = new Set();
  structure = false;
  happened = [];
  if (news.changed.size > 0 || news.structure) for (const tell of watchers.change) tell(news);
  if (events.length > 0) for (const tell of watchers.event) tell(events);
}

function linkIs(link, detail = "") {
  state.link = link;
  state.detail = detail;
  for (const tell of watchers.link) tell();
}

// ---- members ----

function count(member, by) {
  if (member.kind === "group") return;
  counts[member.condition] += by;
}

function restructured() {
  structure = true;
  state.structure++;
  soon();
}

function take(fresh) {
  const key = keyOf(fresh.kind, fresh.name);
  const group = fresh.group || "";
  let member = members.get(key);
  if (member && (member.group || "") !== group) {
    drop(member);
    member = undefined;
  }
  if (member) {
    count(member, -1);
    Object.assign(member, fresh);
  } else {
    member = fresh;
    members.set(key, member);
    if (!within.has(group)) within.set(group, new Set());
    within.get(group).add(member);
    restructured();
  }
  count(member, 1);
  changed.add(member);
  soon();
  return member;
}

function drop(member) {
  if (!members.delete(keyOf(member.kind, member.name))) return;
  within.get(member.group || "").delete(member);
  count(member, -1);
  restructured();
}

// ---- events ----

/** The rule of src/surface/view.c. */
export function conditionOf(m) {
  if (m.kind === "group") {
    if (m.given_up) return "unhealthy";
    if (m.state === "terminated") return "stopped";
    if (m.ready) return m.health === "healthy" ? "healthy" : "degraded";
    if (m.health === "failed") return "unhealthy";
    return m.started ? "unready" : "starting";
  }
  if (m.given_up || m.state === "failed" || m.restart_due) return "unhealthy";
  if (m.state === "terminated" || m.state === "stopping") return "stopped";
  if (m.state !== "ready") return "starting";
  if (m.health === "failed") return "unhealthy";
  if (!m.ready) return m.started ? "unready" : "starting";
  return m.health === "degraded" ? "degraded" : "healthy";
}

const later = (time, ns) => new Date(Date.parse(time) + ns / 1e6).toISOString();

/** Applies an event to a member, or to a likeness of one. */
export function fold(m, e) {
  switch (e.event) {
    case "state":
      m.state = e.to;
      if (e.evidence) m.evidence = e.evidence;
      m.restart_due = null;
      if (e.to === "starting" || e.from === "failed") m.given_up = false;
      if (e.to !== "ready") m.ready = false;
      break;
    case "health": case "group_health": m.health = e.to; break;
    case "restart":
      m.last_cause = e.cause;
      m.restart_due = later(e.time, e.delay_ns);
      break;
    case "given_up":
      m.given_up = true;
      m.last_cause = e.cause;
      break;
    case "flapping": m.flapping = e.flapping; return;
    case "group":
      if (e.to === "changed" || e.to === "resized") return; // nothing starts or stops
      m.given_up = e.to === "given up";
      m.state = { stopped: "terminated", restarting: "failed", "given up": "failed", running: "ready" }[e.to] || m.state;
      if (m.state !== "ready") m.ready = false;
      break;
    case "ready": break;
    default: return;
  }
  if (typeof e.ready === "boolean") m.ready = e.ready;
  if (m.ready) m.started = true;
  const well = m.ready && m.health === "healthy";
  if (well || e.reason) m.reason = well ? "" : e.reason;
  const condition = conditionOf(m);
  if (condition !== m.condition) {
    m.condition = condition;
    m.since = e.time;
  }
}

const ofGroup = (e) => e.event === "group" || e.event === "group_health";

export function nameOf(e) {
  return e.group || e.component || "";
}

function apply(e) {
  recent.push(e);
  if (recent.length > KEPT) recent.splice(0, recent.length - KEPT);
  happened.push(e);
  soon();
  const name = nameOf(e);
  if (name === "") return;
  const member = ofGroup(e) ? find("group", name) : find("component", name) || find("group", name);
  if (listing) remember(member ? keyOf(member.kind, name) : keyOf(ofGroup(e) ? "group" : "component", name), e);
  if (e.event === "removed") {
    if (member) drop(member);
    return;
  }
  if (member) {
    count(member, -1);
    fold(member, e);
    count(member, 1);
    changed.add(member);
    member.group && touchGroups(member.group);
  }
  if (member || !state.cut) readSoon(member ? member.kind : ofGroup(e) ? "group" : "component", name);
}

// A row of the list may be older than an event that came meanwhile: what came is applied to it again.
const meanwhile = new Map(); // by keyOf → events since the list was asked for

function remember(key, e) {
  const events = meanwhile.get(key);
  if (events) events.push(e);
  else meanwhile.set(key, [e]);
}

function takeRow(row) {
  const events = meanwhile.get(keyOf(row.kind, row.name));
  if (events?.[events.length - 1].event === "removed") return null;
  for (const e of events || []) fold(row, e);
  return take(row);
}

/** The figures of a group that its row shows are those of its members. */
function touchGroups(name) {
  for (let group = find("group", name); group; group = group.group && find("group", group.group)) changed.add(group);
}

// ---- members that are read one by one ----

const dirty = new Map();
let reading = 0;

function readSoon(kind, name) {
  if (!state.loaded) return; // the list says it
  if (dirty.size < DIRTY_MAX) dirty.set(keyOf(kind, name), [kind, name]);
  else calmly();
  while (reading < 3 && dirty.size > reading) readOne();
}

let calm = 0;

/** The list again, once less happens: what was shown meanwhile is by the rule alone. */
function calmly() {
  clearTimeout(calm);
  calm = setTimeout(listSoon, CALM_MS);
}

async function readOne() {
  reading++;
  for (;;) {
    await new Promise((go) => setTimeout(go, PAUSE_MS)); // an ending is several events
    const first = dirty.entries().next();
    if (first.done) break;
    const [key, [kind, name]] = first.value;
    dirty.delete(key);
    const path = kind === "group" ? "groups/" : "components/";
    try {
      take(summary(await read("/api/v1/" + path + encodeURIComponent(name))));
    } catch (error) {
      const member = members.get(key);
      if (error.status === 404 && member) drop(member);
    }
  }
  reading--;
}

const KEYS = ["name", "kind", "group", "condition", "health", "ready", "started", "given_up", "reason", "since",
  "instances", "version", "instance", "native", "restart", "state", "flapping", "last_cause", "restart_due", "evidence"];

/** What a list shows of a member: 100,000 of them are kept. */
function summary(whole) {
  const short = {};
  for (const key of KEYS) if (whole[key] !== undefined) short[key] = whole[key];
  return short;
}

// ---- the list ----

let listTimer = 0;
let listing = false;
let again = false;

/** At once if there is nothing yet; else after a while, in which there may be more reasons for it. */
function listSoon() {
  if (listing) again = true;
  else if (listTimer === 0) listTimer = setTimeout(readLists, state.loaded ? 1500 : 0);
}

async function readPages(kind, seen) {
  let after = "";
  do {
    const page = await read(`/api/v1/${kind}s?limit=${PAGE}` + (after && "&after=" + encodeURIComponent(after)));
    for (const fresh of page[kind + "s"]) seen.add(takeRow(summary(fresh)));
    after = page.next;
    state.loading = seen.size;
    linkIs(state.link, state.detail);
    state.cut = after !== null && seen.size >= MEMBERS_MAX;
    if (after) await new Promise((go) => setTimeout(go, 0)); // others have their turn
  } while (after && !state.cut);
}

async function readLists() {
  listTimer = 0;
  listing = true;
  again = false;
  meanwhile.clear();
  state.loading = 1;
  const seen = new Set();
  try {
    await readPages("group", seen);
    await readPages("component", seen);
    for (const member of members.values()) if (!seen.has(member) && !meanwhile.has(keyOf(member.kind, member.name))) drop(member);
    state.loaded = true;
    restructured();
  } catch {
    again = state.link === "live"; // 409: who was named is gone; else the stream tells when to come back
  }
  listing = false;
  state.loading = 0;
  linkIs(state.link, state.detail);
  for (const key of meanwhile.keys()) readSoon(key[0] === "g" ? "group" : "component", key.slice(2));
  meanwhile.clear();
  if (again) setTimeout(listSoon, 5000);
}

// ---- the stream ----

let lastId = "";
let run = 0;

function onEvent(text) {
  let data = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("id: ")) lastId = line.slice(4);
    else if (line.startsWith("data: ")) data += line.slice(6);
  }
  if (data === "") return;
  const e = JSON.parse(data);
  if (e.event === "lost") {
    listSoon();
    happened.push({ ...e, time: new Date(Date.now() + state.skew).toISOString() });
    return;
  }
  if (run !== 0 && e.run !== run) listSoon(); // the host was started anew
  run = e.run;
  apply(e);
}

async function stream() {
  const stop = new AbortController();
  let silence = 0;
  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(() => stop.abort(), SILENCE_MS);
  };
  heard();
  try {
    const answer = await fetch("/events", {
      headers: lastId ? { "Last-Event-ID": lastId } : {}, signal: stop.signal, cache: "no-store",
    });
    if (!answer.ok) throw new Error("the host answers " + answer.status);
    tries = 0;
    linkIs("live");
    listSoon(); // what happens from now on comes as events
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) throw new Error("the host has ended the stream");
      heard();
      const parts = (rest + value).split("\n\n");
      rest = parts.pop();
      for (const part of parts) onEvent(part);
    }
  } catch (error) {
    if (error.name === "AbortError") return "it is silent";
    return error instanceof TypeError ? "there is no connection" : error.message;
  } finally {
    clearTimeout(silence);
    stop.abort();
  }
}

let tries = 0;
let hurry = () => {};

export async function follow() {
  for (;;) {
    const why = await stream();
    const wait = BACKOFF_MS[Math.min(tries++, BACKOFF_MS.length - 1)] * (0.8 + 0.4 * Math.random());
    linkIs("broken", `${why}; trying again in ${Math.ceil(wait / 1000)} s`);
    await new Promise((go) => {
      hurry = go;
      setTimeout(go, wait);
    });
  }
}

addEventListener("online", () => hurry());
addEventListener("visibilitychange", () => document.hidden || hurry());

// ---- the host as a whole ----

export async function pulse() {
  try {
    const began = Date.now();
    state.host = await read("/api/v1/host");
    state.skew = Date.parse(state.host.time) - (began + Date.now()) / 2;
    for (const tell of watchers.link) tell();
  } catch { /* the stream says it */ }
  setTimeout(pulse, document.hidden ? 30000 : 5000);
}
