/**
 * The part of the WebAssembly interface used here, typed. TypeScript declares it only among the browser's types, which
 * a Node package should not pull in.
 */
export interface WasmMemory {
  readonly buffer: SharedArrayBuffer;
  /** @returns the size before, in pages of 64 KiB */
  grow(pages: number): number;
}

/** A compiled module; may be posted to other threads, which then share its machine code. */
export type WasmModule = object;

interface WasmInterface {
  readonly Memory: new (options: {
    readonly initial: number;
    readonly maximum: number;
    readonly shared: true;
  }) => WasmMemory;
  readonly Module: {
    new (bytes: Uint8Array): WasmModule;
    exports(module: WasmModule): { readonly name: string; readonly kind: string }[];
  };
  readonly Instance: new (
    module: WasmModule,
    imports?: Record<string, Record<string, unknown>>,
  ) => { readonly exports: Record<string, unknown> };
  compile(bytes: Uint8Array): Promise<WasmModule>;
  validate(bytes: Uint8Array): boolean;
}

export const WebAssembly: WasmInterface = (globalThis as unknown as { readonly WebAssembly: WasmInterface })
  .WebAssembly;
