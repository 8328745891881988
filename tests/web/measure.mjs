// Figures, not tests: first paint on the loopback, and how fluid the map of 100,000 components is.
//
//   tests/web/run --measure WARD          WARD_WEB_FLEET=100000 is how many
import { open, openBrowser } from "./browser.mjs";
import { freePort, LIMIT_MS, Ward, waitFor } from "./fleet.mjs";

const COUNT = Number(process.env.WARD_WEB_FLEET || 100000);
const LOADS = 20;
const SECONDS = 5;

// One in a thousand is degraded at one check and well at the next: something changes all the time.
const WELL = '(module (memory (export "memory") 1) (func (export "_health") (result i64) (i64.const 0)))';
const FLICKERS = `(module (memory (export "memory") 1) (global $n (mut i32) (i32.const 0))
  (data (i32.const 16) "\\80\\04{\\22status\\22:\\22degraded\\22,\\22reason\\22:\\22High latency\\22}")
  (func (export "_health") (result i64)
    (global.set $n (i32.xor (global.get $n) (i32.const 1)))
    (if (result i64) (global.get $n) (then (i64.const ${(47n << 32n) | 16n})) (else (i64.const 0)))))`;
const few = Math.ceil(COUNT / 1000);
const CONFIG = `version: 1
host: {profile: dense, components_max: ${COUNT}}
components:
  web: {path: well.wat, instances: ${COUNT - few}, limits: {memory: 64KiB}, health: {interval: 1h}}
  dim: {path: flickers.wat, instances: ${few}, limits: {memory: 64KiB}, health: {interval: 1s}}
`;

const sorted = (list) => [...list].sort((a, b) => a - b);
const at = (list, share) => sorted(list)[Math.min(list.length - 1, Math.floor(list.length * share))];

async function firstPaint(browser, ward, place) {
  const times = [];
  for (let i = 0; i < LOADS; i++) {
    const { page, close } = await open(browser, ward); // with nothing kept
    await page.addInitScript(() => {
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (entry.name === "first-paint") window.painted = entry.startTime;
      }).observe({ type: "paint", buffered: true });
    });
    await page.goto(ward.url + "/" + place);
    times.push(await page.waitForFunction(() => window.painted).then((value) => value.jsonValue()));
    await close();
  }
  if (process.env.WARD_WEB_ALL) console.log(times.map(Math.round).join(" "));
  console.log(`first paint of /${place}, ${COUNT} components, ${LOADS} loads: median ${at(times, 0.5).toFixed(0)} ms, P95 ${at(times, 0.95).toFixed(0)} ms, the first ${times[0].toFixed(0)} ms`);
}

/** Times of frames in ms, while `act` goes on. */
async function frames(page, act) {
  await page.evaluate(() => {
    window.frames_ = [];
    const note = (time) => {
      window.frames_.push(time);
      window.noting = requestAnimationFrame(note);
    };
    window.noting = requestAnimationFrame(note);
  });
  await act();
  const times = await page.evaluate(() => {
    cancelAnimationFrame(window.noting);
    return window.frames_;
  });
  return times.slice(1).map((time, i) => time - times[i]);
}

function say(what, gaps) {
  const sum = gaps.reduce((a, b) => a + b, 0);
  const late = gaps.filter((gap) => gap > 25).length;
  console.log(`${what}: ${((gaps.length * 1000) / sum).toFixed(1)} frames a second; a frame: median ${at(gaps, 0.5).toFixed(1)} ms, ` +
    `P99 ${at(gaps, 0.99).toFixed(1)} ms, most ${at(gaps, 1).toFixed(1)} ms; ${late} of ${gaps.length} late`);
}

async function drag(page, box) {
  const until = Date.now() + SECONDS * 1000;
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  for (let step = 0; Date.now() < until; step++)
    await page.mouse.move(x + Math.sin(step / 30) * box.width * 0.4, y + Math.cos(step / 23) * box.height * 0.4);
  await page.mouse.up();
}

async function map(browser, ward) {
  const { page, close, wrong } = await open(browser, ward);
  const began = Date.now();
  await page.goto(ward.url + "/#/map");
  await page.waitForFunction((count) => document.querySelector(".where")?.textContent.startsWith(count.toLocaleString("en") + " "), COUNT, { timeout: LIMIT_MS });
  console.log(`the map shows ${COUNT} after ${Date.now() - began} ms`);
  await page.waitForTimeout(2000);
  const box = await page.locator("canvas").boundingBox();
  say("at rest", await frames(page, () => page.waitForTimeout(2000)));
  for (const clicks of [0, 3, 3]) { // all of it cannot be moved; from there on closer
    for (let i = 0; i < clicks; i++) await page.getByRole("button", { name: "Larger" }).click();
    say(`moved about, ${clicks === 0 ? "all in sight" : "closer"}`, await frames(page, () => drag(page, box)));
  }
  if (wrong.length > 0) console.log("WRONG:", wrong);
  await close();
}

const ward = new Ward(process.argv[2], { port: await freePort(), config: CONFIG, files: { "well.wat": WELL, "flickers.wat": FLICKERS } });
const browser = await openBrowser();
try {
  await ward.start();
  await waitFor("all to be there", async () => Object.values((await ward.get("/api/v1/host")).components).reduce((a, b) => a + b, 0) >= COUNT);
  console.log(`Chromium ${browser.version()}`);
  await firstPaint(browser, ward, "");
  await firstPaint(browser, ward, "#/map");
  await map(browser, ward);
} finally {
  await browser.close();
  await ward.close();
}
