export type { AddedToken } from "./added-tokens.ts";
export { DecodeStream } from "./decode-stream.ts";
export type { Template } from "./post-processor.ts";
export { Tokenizer, type DecodeOptions, type EncodeOptions, type Encoding } from "./tokenizer.ts";
