export type { AddedToken } from "./added-tokens.ts";
export { DecodeStream } from "./decode-stream.ts";
export { Tokenizer, type DecodeOptions, type EncodeOptions, type Encoding } from "./tokenizer.ts";
