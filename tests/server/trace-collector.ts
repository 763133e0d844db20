import { Server, ServerCredentials, type ServiceDefinition } from "@grpc/grpc-js";

const EXPORT_PATH = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/** An OpenTelemetry collector that keeps what it gets, still as protobuf. */
export class TraceCollector implements Disposable {
  readonly received: Buffer[] = [];
  readonly #server = new Server();

  /** @returns its address */
  start(): Promise<string> {
    const unary = {
      path: EXPORT_PATH,
      requestStream: false,
      responseStream: false,
      requestSerialize: (bytes: Buffer) => bytes,
      requestDeserialize: (bytes: Buffer) => bytes,
      responseSerialize: (bytes: Buffer) => bytes,
      responseDeserialize: (bytes: Buffer) => bytes,
    } as const;
    this.#server.addService({ Export: unary } satisfies ServiceDefinition, {
      Export: (call: { request: Buffer }, done: (error: null, answer: Buffer) => void) => {
        this.received.push(call.request);
        done(null, Buffer.alloc(0)); // an empty message is an empty answer
      },
    });
    return new Promise((resolve, reject) => {
      this.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(`http://127.0.0.1:${port}`),
      );
    });
  }

  [Symbol.dispose](): void {
    this.#server.forceShutdown();
  }
}
