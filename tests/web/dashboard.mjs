// The dashboard as a person has it: a real Chromium, a real ward, guests that fail when told.
//
//   WARD_WEB_MODULES=node_modules node dashboard.mjs WARD
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { look, open, openBrowser, SHOTS } from "./browser.mjs";
import { freePort, HOSTILE, LIMIT_MS, Ward, waitFor } from "./fleet.mjs";

const axe = readFileSync(path.join(process.env.WARD_WEB_MODULES, "axe-core", "axe.min.js"), "utf8");
let ward, browser;

before(async () => {
  ward = new Ward(process.argv[2], { port: await freePort() });
  await ward.start();
  for (const name of ["turns", "hangs", "traps", "rude"]) await ward.wait(name, "healthy");
  await ward.wait("many.199", "healthy");
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await ward?.close();
});

/** A test with a page of its own; nothing may go wrong in it that the browser tells of. */
function page(name, options, act) {
  test(name, { timeout: 2 * LIMIT_MS }, async () => {
    const tab = await open(browser, ward, options);
    try {
      await act(tab.page);
      assert.deepEqual(tab.wrong, []);
    } finally {
      await tab.close();
    }
  });
}

const row = (page, name) => page.locator("[role=treeitem]").filter({ has: page.locator(".name", { hasText: new RegExp(`^${name}$`) }) });
const shows = (locator, text) => locator.filter({ hasText: text }).first().waitFor();
const hash = (page) => new URL(page.url()).hash;
const figure = async (page, condition) => Number(await page.locator(`#counts .chip.${condition} .figure`).innerText());
/** A section of a component's page. */
const section = (page, title) => page.locator("section").filter({ has: page.getByRole("heading", { name: title, exact: true }) });

test("what is served, and with which headers", async () => {
  const reply = await fetch(ward.url + "/");
  assert.equal(reply.status, 200);
  assert.equal(reply.headers.get("content-type"), "text/html; charset=utf-8");
  assert.equal(reply.headers.get("x-content-type-options"), "nosniff");
  assert.equal(reply.headers.get("referrer-policy"), "no-referrer");
  assert.equal(reply.headers.get("cache-control"), "no-cache");
  const policy = reply.headers.get("content-security-policy");
  for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:",
    "base-uri 'none'", "frame-ancestors 'none'", "form-action 'none'"]) assert.ok(policy.split("; ").includes(part), part);
  const tag = reply.headers.get("etag");
  assert.match(tag, /^"[0-9a-f]{32}"$/);
  const again = await fetch(ward.url + "/", { headers: { "If-None-Match": tag } });
  assert.equal(again.status, 304);
  assert.equal(again.headers.get("etag"), tag);
  assert.equal(await again.text(), "");
  const text = await reply.text();
  const files = [...text.matchAll(/(?:href|src)="(\/web\/[^"]+)"/g)].map((match) => match[1]);
  assert.ok(files.length >= 3);
  const types = { ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8" };
  for (const file of files) {
    const part = await fetch(ward.url + file);
    assert.equal(part.status, 200, file);
    assert.equal(part.headers.get("content-type"), types[path.extname(file)], file);
    assert.match(part.headers.get("etag"), /^"[0-9a-f]{32}"$/);
    assert.doesNotMatch(await part.text(), /https?:\/\/(?!www\.w3\.org\/2000\/svg)/, file);
  }
  for (const missing of ["/web/none.js", "/web/..%2fhttp_web.c", "/web/index.html%00.js", "/app.js"]) {
    const none = await fetch(ward.url + missing);
    assert.ok([400, 404].includes(none.status), `${missing}: ${none.status}`);
    assert.equal(none.headers.get("content-type"), "application/problem+json");
  }
  assert.equal((await fetch(ward.url + "/", { method: "POST" })).status, 405);
});

page("a component turns degraded, and is well again", {}, async (page) => {
  await page.goto(ward.url + "/");
  await shows(row(page, "turns"), "healthy");
  const degraded = await figure(page, "degraded");
  await ward.become("turns", 1);
  await shows(row(page, "turns"), "degraded");
  await shows(row(page, "turns"), "High latency");
  await waitFor("the count", async () => (await figure(page, "degraded")) === degraded + 1);
  await shows(page.locator("[aria-live]"), /turns is degraded: High latency/);
  await page.goto(ward.url + "/#/c/turns");
  await shows(page.locator("main"), "High latency");
  await shows(section(page, "Log"), "told to be another one");
  await shows(section(page, "History").getByRole("img"), "");
  assert.match(await section(page, "History").getByRole("img").getAttribute("aria-label"), /degraded/);
  await look(page, "degraded");
  await page.goBack();
  await ward.become("turns", 0);
  await shows(row(page, "turns"), "healthy");
});

page("a hang, with its backtrace", {}, async (page) => {
  await page.goto(ward.url + "/#/c/hangs");
  await shows(page.locator("main"), "healthy");
  await ward.become("hangs", 2);
  const failure = section(page, "Last failure");
  await shows(failure, "hang");
  await shows(failure, "ran past its deadline of 200ms");
  const frames = failure.locator("ol.backtrace li");
  await frames.nth(2).waitFor();
  for (const [at, name] of ["wait_for_the_lock", "read_the_queue", "health"].entries())
    assert.match(await frames.nth(at).innerText(), new RegExp(name));
  await shows(failure, "told to be another one"); // its last line
  await shows(section(page, "Restarts"), /hang\s*1/);
  await look(page, "hang");
});

page("a restart", {}, async (page) => {
  await page.goto(ward.url + "/#/c/traps");
  await shows(page.locator("main"), "healthy");
  await ward.become("traps", 3);
  await shows(section(page, "Restarts"), /crash\s*1/);
  await shows(section(page, "Last failure"), "unreachable");
  assert.match(await section(page, "History").getByRole("img").getAttribute("aria-label"), /restart/);
  await ward.wait("traps", "healthy");
  await shows(page.locator(".head"), "healthy");
  await ward.do("restart", "traps");
  await shows(section(page, "Restarts"), /operator\s*1/);
  await page.goto(ward.url + "/#/events");
  await shows(page.locator("tr").filter({ hasText: "traps" }).filter({ hasText: "restart" }), "crash");
  await look(page, "events");
});

page("what a guest says is text", {}, async (page) => {
  await page.goto(ward.url + "/");
  await ward.become("rude", 4);
  await shows(row(page, "rude"), HOSTILE);
  for (const place of ["#/c/rude", "#/g/back", "#/map", "#/events"]) {
    await page.goto(ward.url + "/" + place);
    await shows(page.locator("main"), HOSTILE);
    assert.equal(await page.locator("main img, main b").count(), 0, place);
  }
  await ward.become("rude", 0);
});

page("events, as they happen", {}, async (page) => {
  await page.goto(ward.url + "/#/events");
  const lines = page.locator("main tbody tr").filter({ hasText: "turns" }).filter({ hasText: "healthy → degraded: High latency" });
  await shows(page.locator("main tbody tr"), "turns");
  const before = await lines.count();
  await ward.become("turns", 1);
  await waitFor("one more line", async () => (await lines.count()) === before + 1);
  await ward.become("turns", 0);
});

page("by keyboard alone", {}, async (page) => {
  await page.goto(ward.url + "/");
  await row(page, "turns").or(row(page, "back")).first().waitFor();
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.id), "search");
  await page.keyboard.type("many.19");
  await row(page, "many.19").waitFor();
  await row(page, "turns").waitFor({ state: "detached" });
  assert.equal(await page.locator("[role=treeitem]").count(), 11); // many.19, many.190 to many.199
  await page.keyboard.press("Escape");
  await row(page, "hangs").waitFor();
  await page.locator("[role=tree]").focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowDown");
  const active = () => page.evaluate(() => document.getElementById(document.querySelector("[role=tree]").getAttribute("aria-activedescendant"))?.innerText ?? "");
  const second = await active();
  assert.notEqual(second, "");
  await page.keyboard.press("ArrowUp");
  assert.notEqual(await active(), second);
  await page.keyboard.press("End");
  assert.match(await active(), /turns|traps|hangs/);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1 }).waitFor();
  assert.match(hash(page), /^#\/c\/(turns|traps|hangs)$/);
  await page.keyboard.press("Escape");
  await waitFor("the tree", () => hash(page) === "#/" || hash(page) === "");
  await page.goBack();
  await waitFor("to be back", () => hash(page).startsWith("#/c/"));
});

page("the search goes on from any page", {}, async (page) => {
  await page.goto(ward.url + "/#/events");
  await page.getByRole("heading", { level: 1, name: "Events" }).waitFor();
  await page.goto(ward.url + "/#/c/turns");
  await shows(page.locator("main"), "healthy");
  await page.keyboard.press("/");
  await page.keyboard.type("hangs", { delay: 30 });
  await row(page, "hangs").waitFor();
  assert.equal(await page.locator("#search").inputValue(), "hangs");
  assert.equal(await page.evaluate(() => document.activeElement.id), "search");
});

page("the tree opens and shuts", {}, async (page) => {
  await page.goto(ward.url + "/");
  const group = row(page, "many");
  await shows(group, "200 healthy");
  const open = await group.getAttribute("aria-expanded");
  await group.locator(".twist").click();
  await waitFor("it to turn", async () => (await group.getAttribute("aria-expanded")) !== open);
  if (open === "true") await group.locator(".twist").click();
  await row(page, "many.3").waitFor();
  assert.equal(await row(page, "many.3").getAttribute("aria-level"), "2");
  assert.equal(await row(page, "many.3").getAttribute("aria-setsize"), "200");
  // Of 200 rows, only those in sight are there.
  assert.ok((await page.locator("[role=treeitem]").count()) < 150);
  await group.locator(".name").click();
  await page.getByRole("heading", { level: 1, name: "many" }).waitFor();
});

page("a row that changes under the finger is followed all the same", {}, async (page) => {
  await page.goto(ward.url + "/");
  await shows(row(page, "turns"), "healthy");
  await row(page, "turns").locator(".name").hover();
  await page.mouse.down();
  await ward.become("turns", 1);
  await shows(row(page, "turns"), "High latency");
  await page.mouse.up();
  await page.getByRole("heading", { level: 1, name: "turns" }).waitFor();
  await ward.become("turns", 0);
  await ward.wait("turns", "healthy");
});

page("the map, by keyboard and in tables", {}, async (page) => {
  await ward.become("turns", 1);
  await ward.wait("turns", "degraded");
  await page.goto(ward.url + "/#/map");
  await shows(page.locator("main table").first(), "many");
  await shows(page.getByRole("region", { name: /not well/ }), "turns");
  const map = page.locator("canvas");
  await map.focus();
  await page.keyboard.press("n");
  await shows(page.locator(".where"), "turns: degraded, High latency");
  await page.keyboard.press("+");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowLeft");
  await shows(page.locator(".where"), "turns");
  await look(page, "map");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "turns" }).waitFor();
  await ward.become("turns", 0);
});

const PLACES = ["#/", "#/?condition=healthy", "#/c/hangs", "#/c/many.0", "#/g/back", "#/map", "#/events", "#/none", "#/c/nobody"];

for (const scheme of ["light", "dark"]) {
  for (const phone of [false, true]) {
    page(`nothing that axe finds: ${scheme}${phone ? ", phone" : ""}`, { scheme, phone }, async (page) => {
      const all = [];
      for (const place of PLACES) {
        await page.goto(ward.url + "/" + place);
        await page.reload(); // the same document otherwise
        await page.getByRole("heading", { level: 1 }).waitFor();
        await page.waitForFunction(() => document.getElementById("link").dataset.state === "live");
        if (place === "#/c/hangs") await page.locator("ol.backtrace li").first().waitFor();
        await page.waitForTimeout(300); // what is drawn late is looked at too
        await look(page, `${scheme}${phone ? "-phone" : ""}-${place.replace(/[^a-z]+/g, "-")}`);
        await page.evaluate(axe);
        const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
        for (const { id, help, nodes } of found.violations)
          all.push(`${place}: ${id}: ${help}: ${nodes.map((node) => node.html).slice(0, 3).join(" | ")}`);
        const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
        if (wide > room) all.push(`${place}: ${wide} wide where ${room} are in sight`);
      }
      assert.deepEqual(all, []);
    });
  }
}

/** The host ends, and comes again: it is said, and then shown. Last, for the others need it. */
page("the host goes away and comes back", { lost: true }, async (page) => {
  await page.goto(ward.url + "/");
  await shows(row(page, "turns"), "healthy");
  await ward.stop();
  await page.locator("#link[data-state=broken]").waitFor();
  await shows(page.getByRole("status"), /No news from the host/);
  await look(page, "broken");
  await ward.start();
  await ward.wait("turns", "healthy");
  await page.locator("#link[data-state=live]").waitFor();
  await page.locator("#notice").waitFor({ state: "hidden" });
  await ward.become("turns", 1);
  await shows(row(page, "turns"), "High latency");
});

if (SHOTS) console.log("pictures: " + SHOTS);
