/** A process that runs kernels: opens one driver, then does what is asked on stdin. */
import { reply, requests } from "../line-process.ts";
import type { CaseName, Computed, KernelDriver, KernelDriverModule, Opened, Prepared, Request } from "./protocol.ts";

let driver: KernelDriver | undefined;
for await (const request of requests<Request>()) {
  if (request.kind === "close") break;
  if (request.kind === "open") {
    driver = await ((await import(request.driver)) as KernelDriverModule).open(request.options);
    reply({ about: driver.about, roofline: driver.roofline } satisfies Opened);
  } else if (!driver) throw new Error(`'${request.kind}' before 'open'`);
  else if (request.kind === "prepare") reply({ supported: await driver.prepare(request.case) } satisfies Prepared);
  else if (request.kind === "compute") reply(await compute(driver, request.case));
  else reply(await driver.measure());
}
await driver?.close();
process.exit(0);

async function compute(kernels: KernelDriver, name: CaseName): Promise<Computed> {
  const values = (await kernels.compute?.(name)) ?? new Float32Array();
  return { values: Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64") };
}
