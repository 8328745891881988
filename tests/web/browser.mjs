// Debian's Chromium, and pages that may speak to nobody but the ward.
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { LIMIT_MS } from "./fleet.mjs";

const require = createRequire(path.join(process.env.WARD_WEB_MODULES, "here.js"));
const { chromium } = require("playwright-core");

export const SHOTS = process.env.WARD_WEB_SHOTS;
if (SHOTS) mkdirSync(SHOTS, { recursive: true });

/** Anything beyond this machine has no address. */
export function openBrowser(more = []) {
  return chromium.launch({
    executablePath: process.env.WARD_CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", ...more],
  });
}

/** A page, and what went wrong in it: errors, refusals of the policy, requests to somebody else.
 * With `lost`, requests that fail are none of these. */
export async function open(browser, ward, { scheme = "light", phone = false, lost = false } = {}) {
  const context = await browser.newContext({
    colorScheme: scheme,
    viewport: phone ? { width: 360, height: 740 } : { width: 1280, height: 800 },
    deviceScaleFactor: phone ? 2 : 1,
    hasTouch: phone,
    isMobile: phone,
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  page.setDefaultTimeout(LIMIT_MS);
  const wrong = [];
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.origin !== ward.url && url.protocol !== "data:") wrong.push("asks " + request.url());
  });
  page.on("pageerror", (error) => wrong.push(String(error.stack || error)));
  page.on("console", (message) => {
    const missing = /Failed to load resource/.test(message.text()) && (lost || /nobody/.test(message.location().url));
    if (["error", "warning"].includes(message.type()) && !missing) wrong.push(`${message.text()} (${message.location().url})`);
  });
  return { page, wrong, close: () => context.close() };
}

/** A picture, for people. */
export async function look(page, name) {
  if (SHOTS) await page.screenshot({ path: path.join(SHOTS, name + ".png"), fullPage: true });
}
