// A component's page, and a group's.

import { CONDITIONS, badge, bytes, clock, duration, el, link, number, read, say, section, shape, since, table } from "./dom.js";
import { spark, strip } from "./charts.js";
import { described } from "./feed.js";
import * as store from "./store.js";
import { membersIn, tally } from "./tree.js";

const POLL_MS = 2000;
const SAMPLES = 300; // ten minutes of them
const SPANS = { "15 min": 900, "1 h": 3600, "6 h": 21600, "24 h": 86400 }; // in s
const MEMBERS_SHOWN = 200;

const samples = new Map(); // by name: kept when one comes back to a page
let span = "15 min";

/** What may be wider or longer than its place. */
const scroll = (label, ...inner) => el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, inner);

const words = (name) => name.replace(/_/g, " ");

/** Rows that aren't zero; else one that says so. */
function nonzero(object, none) {
  const rows = Object.entries(object || {}).filter(([, value]) => value > 0).map(([key, value]) => [words(key), number(value)]);
  return rows.length > 0 ? rows : [[none, ""]];
}

// ---- the head of the page ----

function headOf(kind, name) {
  const status = el("p", { class: "status" });
  const facts = el("dl", { class: "facts" });
  const node = el("div", { class: "head" }, el("h1", null, name), status, facts);

  function draw(m, whole) {
    status.replaceChildren(badge(m.condition), m.flapping ? el("span", { class: "tag" }, "flapping") : "", m.given_up ? el("span", { class: "tag" }, "given up") : "",
      el("span", { class: "why" }, m.reason || ""), el("span", { class: "since" }, "for " + since(m.since, store.state.skew)));
    const list = [];
    const fact = (term, value) => value !== null && value !== undefined && value !== "" && list.push(el("div", null, el("dt", null, term), el("dd", null, value)));
    fact("group", m.group && el("a", { href: link({ kind: "group", name: m.group }) }, m.group));
    fact("version", m.version);
    if (kind === "component") {
      fact("state", m.state);
      fact("health", m.health);
      fact("ready", m.ready ? "yes" : "no");
      fact("restarted", m.restart === "permanent" ? "whenever it ends" : m.restart === "transient" ? "if it fails" : "never");
      if (m.restart_due) fact("next try", Date.parse(m.restart_due) > Date.now() + store.state.skew ? "in " + duration((Date.parse(m.restart_due) - Date.now() - store.state.skew) * 1e6) : "now");
      fact("checked each", whole?.interval_ns ? duration(whole.interval_ns) : null);
      fact("up for", whole?.figures && m.state === "ready" ? duration(whole.figures.uptime_ns) : null);
      fact("restarts", whole ? number(whole.restarts ?? 0) : null);
      if (whole?.needs?.length) fact("needs", whole.needs.map((need, at) => [at > 0 ? ", " : "", el("a", { href: link({ kind: "component", name: need }) }, need)]).flat().reduce((all, one) => (all.append(one), all), el("span")));
    } else {
      fact("instances", m.instances ? number(m.instances) : null);
    }
    // Whoever is on a link keeps it.
    if (!facts.contains(document.activeElement)) facts.replaceChildren(...list);
  }
  return { node, draw };
}

// ---- the past ----

/** Conditions from events, oldest first: by the same rule as now. */
export function spellsOf(events, begin, end, now) {
  const likeness = { kind: now.kind, state: "created", health: "healthy", ready: false, started: false, condition: "starting", group: now.group };
  const spells = [];
  const marks = [];
  let known = false;
  for (const e of events) {
    const at = Date.parse(e.time);
    if (e.event === "restart") marks.push({ at, text: `restart after ${words(e.cause)}, ${clock(e.time)}` });
    if (!known && e.event === "state") likeness.started = e.from === "ready" || e.to === "ready";
    const was = likeness.condition;
    store.fold(likeness, e);
    if (known && likeness.condition === was) continue;
    if (!["state", "health", "ready", "restart", "given_up", "group", "group_health"].includes(e.event)) continue;
    known = true;
    if (spells.length > 0) spells[spells.length - 1].to = at;
    spells.push({ from: at, to: end, condition: likeness.condition });
  }
  // Between its events the host knows better.
  if (spells.length === 0) spells.push({ from: Math.max(begin, Date.parse(now.since) || begin), to: end, condition: now.condition });
  spells[spells.length - 1].condition = now.condition;
  return { spells: mended(spells), marks };
}

/** What lasted no longer than a blink on the way up or down is not a spell of its own. */
function mended(spells) {
  const all = [];
  for (const spell of spells) {
    const last = all[all.length - 1];
    if (last && last.condition === spell.condition) last.to = spell.to;
    else if (last && last.to - last.from < 2) all[all.length - 1] = { ...spell, from: last.from };
    else all.push({ ...spell });
  }
  return all;
}

function pastOf(kind, name) {
  const events = [];
  let hasPast = true;
  const picture = el("div");
  const note = el("p", { class: "quiet" });
  const choose = el("div", { class: "spans", role: "group", "aria-label": "How far back" });
  const list = scroll("Latest events");
  const node = section("History", choose, picture, note, el("details", { open: true }, el("summary", null, "Latest events"), list));
  let member = null;

  for (const text of Object.keys(SPANS)) {
    choose.append(el("button", { type: "button", "aria-pressed": String(text === span), click(event) {
      span = text;
      for (const button of choose.children) button.setAttribute("aria-pressed", String(button === event.currentTarget));
      load();
    } }, text));
  }

  async function load() {
    try {
      const path = `/api/v1/events?component=${encodeURIComponent(name)}&since=${SPANS[span]}s&limit=10000`;
      const past = (await read(path)).events.filter((e) => e.event !== "lost" && store.nameOf(e) === name);
      const newest = past.length > 0 ? past[past.length - 1] : null;
      const live = events.filter((e) => !newest || e.run > newest.run || (e.run === newest.run && e.sequence > newest.sequence));
      events.splice(0, events.length, ...past, ...live);
    } catch (error) {
      if (error.status === 404) hasPast = false;
    }
    if (!hasPast && events.length === 0) events.push(...store.recent.filter((e) => store.nameOf(e) === name));
    draw();
  }

  function draw(m) {
    member = m || member;
    if (!member) return;
    const end = Date.now() + store.state.skew;
    const begin = end - SPANS[span] * 1000;
    const { spells, marks } = spellsOf(events, begin, end, member);
    const inside = marks.filter((mark) => mark.at >= begin).length;
    picture.replaceChildren(strip(spells, marks, begin, end, `The last ${span}: ${spells.map((spell) => spell.condition).slice(-8).join(", then ")}; ${inside} restarts`),
      el("div", { class: "axis", "aria-hidden": "true" }, el("span", null, span + " ago"), el("span", null, "now")));
    say(note, `${inside === 0 ? "No restart" : inside === 1 ? "1 restart" : inside + " restarts"} in ${span}.` + (hasPast ? "" : " This host keeps no journal: the history begins when this page was opened."));
    const rows = events.slice(-50).reverse().map((e) => [clock(e.time), el("span", { class: "kind " + e.event }, words(e.event)), described(e)]);
    if (rows.length === 0) list.replaceChildren(el("p", { class: "quiet" }, "None in this time."));
    else list.replaceChildren(table("Latest events, newest first", ["Time", "Event", "What"], rows, { class: "events" }));
  }

  function add(fresh) {
    for (const e of fresh) if (store.nameOf(e) === name && e.event !== "lost") events.push(e);
    if (events.length > 12000) events.splice(0, 2000);
  }
  return { node, load, draw, add };
}

// ---- figures ----

function figuresOf(name) {
  const latency = spark("Check, on average", duration);
  const memory = spark("Memory", bytes);
  const messages = spark("Messages a second", (value) => value.toFixed(value < 10 ? 1 : 0));
  const kept = samples.get(name) || [];
  samples.set(name, kept);
  const node = section("Figures", el("div", { class: "sparks" }, latency.node, memory.node, messages.node), el("p", { class: "quiet" }, "Lines begin when this page was opened."));

  /** What happened between two looks. */
  function rates(last, f, m, at) {
    const probes = last ? f.probes - last.probes : 0;
    return {
      latency: probes > 0 ? (f.probe_ns_total - last.probe_ns_total) / probes : last ? last.latency : null,
      messages: last && m.handled >= last.handled && at > last.at ? ((m.handled - last.handled) * 1000) / (at - last.at) : null,
    };
  }

  function take(whole) {
    const f = whole.figures;
    if (!f) return;
    const at = Date.now();
    const last = kept[kept.length - 1];
    if (last && at - last.at < POLL_MS / 2) return draw();
    kept.push({ at, probes: f.probes, probe_ns_total: f.probe_ns_total, memory: f.memory_bytes, handled: whole.messages.handled, ...rates(last, f, whole.messages, at) });
    if (kept.length > SAMPLES) kept.shift();
    draw();
  }

  function draw() {
    latency.draw(kept.map((s) => ({ at: s.at, value: s.latency })));
    memory.draw(kept.map((s) => ({ at: s.at, value: s.memory })));
    messages.draw(kept.map((s) => ({ at: s.at, value: s.messages })));
  }
  return { node, take };
}

function tablesOf() {
  const node = el("div", { class: "cards" });
  let was = "";

  function draw(w) {
    const f = w.figures;
    if (!f) return;
    const m = w.messages;
    const guest = (w.metrics || []).map((metric) => [metric.name, metric.kind === "histogram" ? `${number(metric.count)}, sum ${metric.sum}` : String(metric.value)]);
    const latency = f.probe_latency.filter((bucket) => bucket.count > 0).map((bucket) => [bucket.seconds_max === "inf" ? "longer" : "up to " + duration(bucket.seconds_max * 1e9), number(bucket.count)]);
    const text = JSON.stringify([m, f, w.restarts_by_cause, guest, w.denied, w.log_lines]);
    if (text === was) return;
    was = text;
    const card = (title, rows, empty) => section(title, rows.length > 0 ? table(title, null, rows) : el("p", { class: "quiet" }, empty));
    node.replaceChildren(
      card("Messages", [["waiting", `${number(m.waiting)} of ${number(m.waiting_max)}`], ["handled", number(m.handled)], ["sent", number(m.sent)],
        ...["refused", "dropped", "expired", "undelivered", "set_aside"].map((key) => [words(key), number(m[key])])]),
      card("Restarts", nonzero(w.restarts_by_cause, "none")),
      card("Checks", [["checks", number(f.checks)], ["probes", number(f.probes)], ["traps", number(f.traps)], ...Object.entries(f.probe_errors).filter(([, count]) => count > 0).map(([key, count]) => ["of them " + words(key), number(count)])]),
      card("How long probes took", latency, "No probe yet."),
      card("Resources", [["memory", bytes(f.memory_bytes)], ["at most", bytes(f.memory_bytes_max)], ["growths refused", number(f.growths_refused)],
        ["time inside", duration(f.inside_ns)], ["fuel, peak", f.fuel_per_call ? `${number(f.fuel_peak)} of ${number(f.fuel_per_call)}` : "not counted"], ["denied", number(w.denied ?? 0)], ["log lines", number(w.log_lines ?? 0)]]),
      card("Its own metrics", guest, "It has told none."));
  }
  return { node, draw };
}

// ---- the last failure ----

function evidenceOf(name) {
  const body = el("div");
  const node = section("Last failure", body);
  let shown = null;

  const earlier = (number_) => el("button", { type: "button", click: () => fetchOne(number_) }, `Show end ${number_}`);

  function draw(e) {
    const trap = e.trap;
    const frames = trap?.backtrace || [];
    const parts = [
      el("p", { class: "story" }, el("strong", null, words(e.cause)), ` at ${clock(e.time)} (${since(e.time, store.state.skew)} ago), after ${duration(e.uptime_ns)}${e.detected_ns ? `, found within ${duration(e.detected_ns)}` : ""}. `, el("span", { class: "why" }, e.reason)),
      trap && el("p", null, "Export ", el("code", null, trap.export), ": ", trap.cause, " ", el("span", { class: "tag" }, trap.error)),
      frames.length > 0 && el("h3", null, "Backtrace"),
      frames.length > 0 && el("ol", { class: "backtrace", start: "0" }, frames.map((frame) => el("li", null, el("code", null, frame.function || `function ${frame.index}`),
        el("span", { class: "where" }, ` #${frame.index}` + (frame.offset !== null && frame.offset !== undefined ? ` at 0x${Number(frame.offset).toString(16)}` : ""))))),
      el("p", { class: "quiet" }, `End ${e.number} of its runs. Memory ${bytes(e.memory_bytes)} of ${bytes(e.memory_bytes_max)}; ${number(e.messages_handled)} messages handled, ${number(e.messages_waiting)} waited.`),
      e.core_dump && el("p", null, "Core dump: ", el("code", null, e.core_dump)),
      e.core_dump_error && el("p", null, "No core dump: ", e.core_dump_error),
      e.changes.length > 0 && el("h3", null, "What led to it"),
      e.changes.length > 0 && scroll("Changes before the end", table("Changes before the end", ["Time", "Of", "From", "To"], e.changes.map((c) => [clock(c.time), c.of, c.from, c.to]))),
      e.messages.length > 0 && el("h3", null, "Last messages"),
      e.messages.length > 0 && scroll("Last messages", table("Last messages", ["Time", "From", "What", "Bytes", "Took", "Outcome"], e.messages.map((m) => [clock(m.time), m.sender || "–", `${m.kind} ${m.what || ""}`, number(m.bytes), duration(m.took_ns), m.outcome || "under way"]))),
      e.log.length > 0 && el("h3", null, "Last lines"),
      e.log.length > 0 && lines(e.log),
      el("div", { class: "tools" }, e.number > 1 && earlier(e.number - 1), e.number < shown && earlier(e.number + 1)),
    ];
    body.replaceChildren(...parts.filter(Boolean));
  }

  async function update(number_) {
    if (number_ === shown) return;
    shown = number_;
    if (!number_) {
      body.replaceChildren(el("p", { class: "quiet" }, "It has not failed since it was added."));
      return;
    }
    await fetchOne(number_);
  }

  async function fetchOne(number_) {
    try {
      draw(await read(`/api/v1/components/${encodeURIComponent(name)}/evidence?number=${number_}`));
    } catch (error) {
      // The journal writes it a moment later than the host tells of it: the next look tries again.
      if (number_ === shown) shown = null;
      body.replaceChildren(el("p", { class: "quiet" }, error.status === 404 ? `Nothing was kept of end ${number_}.` : error.message),
        number_ > 1 ? earlier(number_ - 1) : "");
    }
  }
  return { node, update };
}

const lines = (list) => el("ol", { class: "lines" }, list.map((line) => el("li", { class: line.level },
  el("time", null, clock(line.time)), el("span", { class: "level" }, line.level), el("span", { class: "text" }, line.text))));

function logsOf(name) {
  const box = scroll("Log lines");
  const level = el("select", { id: "level", change: () => load(true) }, ["trace", "debug", "info", "warn", "error"].map((text) => el("option", { value: text }, text)));
  const node = section("Log", el("p", null, el("label", { for: "level" }, "From level "), level), box);
  let kept = [];
  let next = null;

  async function load(anew) {
    if (anew) {
      kept = [];
      next = null;
    }
    const chosen = level.value;
    try {
      const found = await read(`/api/v1/logs?component=${encodeURIComponent(name)}&level=${chosen}` + (next === null ? "&limit=200" : `&limit=1000&after=${next}`));
      if (chosen !== level.value) return;
      const first = next === null;
      next = found.next;
      if (!first && found.lines.length === 0) return;
      const down = box.scrollHeight - box.scrollTop - box.clientHeight < 20;
      kept = kept.concat(found.lines).slice(-500);
      box.replaceChildren(kept.length > 0 ? lines(kept) : el("p", { class: "quiet" }, "It has logged nothing lately."));
      if (down || first) box.scrollTop = box.scrollHeight;
    } catch { /* tried again with the next look */ }
  }
  return { node, load };
}

// ---- a group ----

function membersOf(name) {
  const sums = el("ul", { class: "counts" });
  const list = scroll("List of members");
  const node = section("Members", sums, list);

  function draw() {
    const counts = tally(name);
    sums.replaceChildren(...CONDITIONS.filter((condition) => counts[condition]).map((condition) => el("li", { class: "chip " + condition }, shape(condition), el("span", { class: "figure" }, number(counts[condition])), " " + condition)));
    if (list.contains(document.activeElement) && document.activeElement !== list) return;
    const all = membersIn(name);
    const rank = (m) => CONDITIONS.indexOf(m.condition);
    const shown = [...all].sort((a, b) => rank(a) - rank(b)).slice(0, MEMBERS_SHOWN);
    const rows = shown.map((m) => [el("a", { href: link(m) }, m.name), badge(m.condition), m.reason || "", since(m.since, store.state.skew)]);
    list.replaceChildren(table("Members, the worst first", ["Name", "Condition", "Reason", "For"], rows),
      all.length > shown.length ? el("p", { class: "quiet" }, `${number(all.length - shown.length)} more are in the `, el("a", { href: "#/" }, "tree"), ".") : "");
  }
  return { node, draw };
}

// ---- the page ----

export function memberPage(to, kind, name) {
  const gone = el("p", { class: "notice", hidden: true });
  const head = headOf(kind, name);
  const past = pastOf(kind, name);
  const parts = kind === "component" ? { figures: figuresOf(name), tables: tablesOf(), evidence: evidenceOf(name), logs: logsOf(name) } : { group: membersOf(name) };
  let whole = null;
  let timer = 0;
  let groupDue = 0;
  let closed = false;

  to.append(el("p", { class: "crumbs" }, el("a", { href: "#/" }, "Components"), " / ", name), gone, head.node);
  if (kind === "component") to.append(past.node, parts.evidence.node, parts.figures.node, parts.tables.node, parts.logs.node);
  else to.append(parts.group.node, past.node);

  const now = () => store.find(kind, name) || whole;

  function missing(text) {
    say(gone, text);
    gone.hidden = text === "";
  }

  async function look() {
    clearTimeout(timer);
    try {
      whole = await read(`/api/v1/${kind}s/${encodeURIComponent(name)}`);
      // A component with instances is the group of them.
      if (whole.kind !== kind) return closed || location.replace(link(whole));
      missing("");
      if (closed) return;
      draw();
      if (kind === "component") {
        parts.figures.take(whole);
        parts.tables.draw(whole);
        parts.evidence.update(whole.evidence);
        parts.logs.load(false);
      }
    } catch (error) {
      if (error.status === 404) missing(`There is no ${kind} of this name now.`);
    }
    if (!closed) timer = setTimeout(look, document.hidden ? 5 * POLL_MS : POLL_MS);
  }

  function draw() {
    const m = now();
    if (!m) return;
    head.draw(m, whole);
    past.draw(m);
    if (kind === "group" && groupDue === 0) groupDue = setTimeout(() => {
      groupDue = 0;
      parts.group.draw();
    }, 100);
  }

  const offs = [
    store.on("event", (events) => {
      past.add(events);
      if (events.some((e) => store.nameOf(e) === name)) draw();
      if (kind === "component" && events.some((e) => e.evidence && e.component === name)) look();
    }),
    store.on("change", ({ changed, structure }) => {
      const m = store.find(kind, name);
      if (structure || changed.has(m)) draw();
    }),
  ];
  past.load();
  look();
  draw();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
      clearTimeout(groupDue);
      for (const off of offs) off();
    },
  };
}
