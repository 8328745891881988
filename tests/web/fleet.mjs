// A ward that runs, for the tests of the dashboard: its guests do what they are told by `ward call`.
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

export const LIMIT_MS = 60000; // generous: only a hang reaches it
export const HOSTILE = "<img src=x onerror=alert(1)> & <b>bold</b>";

const escaped = (bytes) => [...bytes].map((byte) => "\\" + byte.toString(16).padStart(2, "0")).join("");

/** An answer of _health in JSON: where it is, and how long. */
function answer(at, reason) {
  const frame = Buffer.concat([Buffer.from([0x80, 0x04]), Buffer.from(JSON.stringify({ status: "degraded", reason }))]);
  return { data: `(data (i32.const ${at}) "${escaped(frame)}")`, value: `(i64.const ${(BigInt(frame.length) << 32n) | BigInt(at)})` };
}

/** become(0) well, 1 degraded, 2 hangs, 3 traps, 4 says what a browser must not obey. It logs each. */
export function guest() {
  const slow = answer(1024, "High latency");
  const hostile = answer(2048, HOSTILE);
  return `(module
  (import "ward" "log" (func $log (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (global $mode (mut i32) (i32.const 0))
  (data (i32.const 16) "told to be another one")
  ${slow.data}
  ${hostile.data}
  (func (export "become") (param i32) (result i32)
    (global.set $mode (local.get 0))
    (call $log (i32.const 3) (i32.const 16) (i32.const 22) (i32.const 0) (i32.const 0)))
  (func $wait_for_the_lock (loop $forever (br $forever)))
  (func $read_the_queue (call $wait_for_the_lock))
  (func $health (export "_health") (result i64)
    (if (i32.eq (global.get $mode) (i32.const 1)) (then (return ${slow.value})))
    (if (i32.eq (global.get $mode) (i32.const 2)) (then (call $read_the_queue)))
    (if (i32.eq (global.get $mode) (i32.const 3)) (then unreachable))
    (if (i32.eq (global.get $mode) (i32.const 4)) (then (return ${hostile.value})))
    (i64.const 0)))`;
}

const CONFIG = `version: 1
groups:
  back: {strategy: one_for_one}
components:
  turns: {path: guest.wat, group: back, health: {interval: 100ms}}
  hangs: {path: guest.wat, health: {interval: 100ms, timeout: 200ms, fall: 1}, restart: {initial: 20ms}}
  traps: {path: guest.wat, health: {interval: 100ms, fall: 1}, restart: {initial: 20ms}}
  rude: {path: guest.wat, group: back, health: {interval: 100ms}}
  many: {path: guest.wat, instances: 200, health: {interval: 10s}}
`;

export async function freePort() {
  const server = net.createServer();
  await new Promise((go) => server.listen(0, "127.0.0.1", go));
  const { port } = server.address();
  await new Promise((go) => server.close(go));
  return port;
}

export async function waitFor(what, condition) {
  const until = Date.now() + LIMIT_MS;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > until) throw new Error("waited in vain for " + what);
    await new Promise((go) => setTimeout(go, 20));
  }
}

export class Ward {
  constructor(program, { config = CONFIG, files = {}, port }) {
    this.program = program;
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.place = mkdtempSync(path.join(os.tmpdir(), "ward-web-"));
    for (const [name, text] of Object.entries({ "ward.yaml": config, "guest.wat": guest(), ...files }))
      writeFileSync(path.join(this.place, name), text);
    this.environment = {
      ...process.env, WARD_HTTP: `127.0.0.1:${port}`, WARD_GRPC: "off",
      WARD_CONTROL: path.join(this.place, "control.sock"), WARD_JOURNAL: path.join(this.place, "journal.db"),
    };
  }

  async start() {
    const child = spawn(this.program, ["run", "-q", path.join(this.place, "ward.yaml")], { env: this.environment, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (text) => (said += text));
    child.over = new Promise((go) => child.on("exit", go));
    this.child = child;
    await waitFor("the host", async () => {
      if (child.exitCode !== null) throw new Error("ward run: " + said);
      return fetch(this.url + "/livez").then((reply) => reply.ok, () => false);
    });
  }

  async stop(signal = "SIGTERM") {
    this.child?.kill(signal);
    await this.child?.over;
  }

  async close() {
    await this.stop("SIGKILL");
    rmSync(this.place, { recursive: true, force: true });
  }

  do(...args) {
    return promisify(execFile)(this.program, args, { env: this.environment, timeout: LIMIT_MS });
  }

  become(name, mode) {
    return this.do("call", name, "become", String(mode));
  }

  async get(route) {
    return (await fetch(this.url + route)).json();
  }

  wait(name, condition) {
    return waitFor(`${name} to be ${condition}`, async () => (await this.get("/api/v1/components/" + name)).condition === condition);
  }
}
