/**
 * Every error this library throws on purpose. The message says what was got, what was expected and what to do about it;
 * `code` is stable and meant for programs.
 */
export class Qwen3Error extends Error {
  override readonly name: string = "Qwen3Error";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * - `invalid-argument`: a caller's value cannot be used.
 * - `invalid-checkpoint`: a file is damaged, hostile, or contradicts another file of the same checkpoint.
 * - `unsupported`: valid, but not something this runtime computes.
 * - `not-found`: a file, model, tensor or module path does not exist.
 * - `too-large`: the work or the weights do not fit a limit.
 * - `device`: the chosen device cannot be had, failed, or was lost.
 * - `disposed`: the object was used after `dispose()`.
 * - `network`: something had to be fetched and could not be.
 */
export type ErrorCode =
  | "invalid-argument"
  | "invalid-checkpoint"
  | "unsupported"
  | "not-found"
  | "too-large"
  | "device"
  | "disposed"
  | "network";
