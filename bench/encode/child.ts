/** The process under test: opens one driver, then does what is asked on stdin. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { reply, requests } from "../line-process.ts";
import { peakResidentBytes, residentBytes } from "../machine.ts";
import type { Driver, DriverModule } from "./driver.ts";
import type { Counted, Encoded, Opened, Request } from "./protocol.ts";

let driver: Driver | undefined;
for await (const request of requests<Request>()) {
  if (request.kind === "close") break;
  if (request.kind === "open") driver = await open(request.driver, request.options);
  else if (!driver) throw new Error(`'${request.kind}' before 'open'`);
  else if (request.kind === "encode") reply(await encode(driver, request.texts, request.returnVectors));
  else reply({ tokens: await driver.countTokens(request.texts) } satisfies Counted);
}
await driver?.close();
process.exit(0); // some runtimes keep threads that would keep the process

async function open(url: string, options: Readonly<Record<string, string>>): Promise<Driver> {
  const start = performance.now();
  const opened = await ((await import(url)) as DriverModule).open(options);
  reply({
    about: opened.about,
    loadMs: performance.now() - start,
    residentBytes: residentBytes(),
    peakBytes: peakResidentBytes(),
  } satisfies Opened);
  return opened;
}

async function encode(runtime: Driver, texts: readonly string[], returnVectors: boolean): Promise<Encoded> {
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
    cpuMs: (cpu.user + cpu.system) / 1e3,
    // with no sample at all, the loop was blocked from beginning to end
    loopDelayMs: delay.count === 0 ? ms : Math.max(0, delay.max / 1e6 - 1),
    submitMs: runtime.submitMs?.() ?? null,
    peakBytes: peakResidentBytes(),
    vectors: returnVectors ? vectors.map(toBase64) : null,
  };
}

function toBase64(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("base64");
}
