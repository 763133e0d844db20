/** The process under test: opens one driver, then does what the lines on stdin ask for. */
import { createInterface } from "node:readline";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { peakResidentBytes, residentBytes } from "../machine.ts";
import type { Driver, DriverModule } from "./driver.ts";
import type { Counted, Encoded, Opened, OpenRequest, Request } from "./protocol.ts";
import { REPLY_MARK } from "./protocol.ts";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const driver = await open(JSON.parse((await lines.next()).value ?? "") as OpenRequest);
for (let line = await lines.next(); !line.done; line = await lines.next()) {
  const request = JSON.parse(line.value) as Request;
  if (request.kind === "close") break;
  reply(request.kind === "count" ? await count(driver, request.texts) : await encode(driver, request));
}
await driver.close();
process.exit(0); // some runtimes keep threads that would keep the process

async function open({ driver: url, options }: OpenRequest): Promise<Driver> {
  const start = performance.now();
  const opened = await ((await import(url)) as DriverModule).open(options);
  reply({
    about: opened.about,
    loadMs: performance.now() - start,
    residentBytes: residentBytes(),
    peakBytes: peakResidentBytes(),
  });
  return opened;
}

async function encode(
  runtime: Driver,
  { texts, returnVectors }: { readonly texts: readonly string[]; readonly returnVectors: boolean },
): Promise<Encoded> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const vectors = await runtime.encode(texts);
  const ms = performance.now() - start;
  const cpu = process.cpuUsage(cpuBefore);
  delay.disable();
  return {
    ms,
    busyCores: (cpu.user + cpu.system) / 1e3 / ms,
    // with no sample at all, the loop was blocked from beginning to end
    loopDelayMs: delay.count === 0 ? ms : Math.max(0, delay.max / 1e6 - 1),
    peakBytes: peakResidentBytes(),
    vectors: returnVectors ? vectors.map(toBase64) : null,
  };
}

async function count(runtime: Driver, texts: readonly string[]): Promise<Counted> {
  return { tokens: await runtime.countTokens(texts) };
}

function toBase64(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("base64");
}

function reply(message: Opened | Encoded | Counted): void {
  process.stdout.write(`${REPLY_MARK}${JSON.stringify(message)}\n`);
}
