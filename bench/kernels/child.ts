/** A process that runs kernels: opens one driver, then does what is asked on stdin. */
import { reply, requests } from "../line-process.ts";
import type { KernelDriver, KernelDriverModule, Measured, Opened, Prepared, Request } from "./protocol.ts";

let driver: KernelDriver | undefined;
for await (const request of requests<Request>()) {
  if (request.kind === "close") break;
  if (request.kind === "open") {
    driver = await ((await import(request.driver)) as KernelDriverModule).open(request.options);
    reply({ about: driver.about } satisfies Opened);
  } else if (!driver) throw new Error(`'${request.kind}' before 'open'`);
  else if (request.kind === "prepare") reply({ supported: await driver.prepare(request.case) } satisfies Prepared);
  else reply({ ms: await driver.measure() } satisfies Measured);
}
await driver?.close();
process.exit(0);
