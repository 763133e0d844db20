import { emptyList } from "../errors.ts";
import { checkBatchSize } from "../infer.ts";
import { type Call, post, type Route } from "../route.ts";
import { isIdList } from "../schemas/inputs.ts";
import * as schemas from "../schemas/tei.ts";
import type { TextReader, TokenizedText } from "../text-reader.ts";

interface Token {
  readonly id: number;
  readonly text: string;
  readonly special: boolean;
  readonly start: number | null;
  readonly stop: number | null;
}

async function tokenize(body: schemas.TokenizeRequest, { services }: Call): Promise<Response> {
  const texts = typeof body.inputs === "string" ? [body.inputs] : body.inputs;
  checkList("inputs", texts.length, services.settings.maxClientBatchSize);
  const { reader } = services;
  const options = { addSpecialTokens: body.add_special_tokens, promptName: body.prompt_name ?? undefined };
  const tokenized = await reader.tokenize(texts, options);
  return Response.json(tokenized.map((each) => tokensOf(each, reader)));
}

/** Offsets are bytes of UTF-8, as TEI's are. */
function tokensOf({ text, encoding }: TokenizedText, reader: TextReader): Token[] {
  const { ids, offsets = new Uint32Array() } = encoding;
  const byteAt = byteOffsets(text);
  return Array.from(ids, (id, i): Token => {
    const [from = 0, to = 0] = offsets.subarray(2 * i, 2 * i + 2);
    if (from === to) return { id, text: reader.tokenText(id), special: true, start: null, stop: null };
    return { id, text: text.slice(from, to), special: false, start: byteAt(from), stop: byteAt(to) };
  });
}

/** UTF-16 offsets to UTF-8 ones, asked for in ascending order (but for a character's second token). */
function byteOffsets(text: string): (offset: number) => number {
  const bytes = new Uint32Array(text.length + 1);
  for (let i = 0; i < text.length; i++) bytes[i + 1] = (bytes[i] ?? 0) + utf8Bytes(text, i);
  return (offset) => bytes[offset] ?? 0;
}

/** Bytes that the code unit at `i` adds: of a surrogate pair the first half has all four. */
function utf8Bytes(text: string, i: number): number {
  const codePoint = text.codePointAt(i) ?? 0;
  if (codePoint > 0xffff) return 4;
  if (codePoint >= 0xdc00 && codePoint <= 0xdfff && (text.codePointAt(i - 1) ?? 0) > 0xffff) return 0;
  return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : 3;
}

async function decode(body: schemas.DecodeRequest, { services }: Call): Promise<Response> {
  const lists = isIdList(body.ids) ? [body.ids] : body.ids;
  checkList("ids", lists.length, services.settings.maxClientBatchSize);
  return Response.json(lists.map((ids) => services.reader.decode(ids, body.skip_special_tokens)));
}

function checkList(field: string, length: number, most: number): void {
  if (length === 0) throw emptyList(field);
  checkBatchSize(length, most);
}

export const TOKENIZE_ROUTES: readonly Route[] = [
  post({
    path: "/tokenize",
    family: "tei",
    summary: "The tokens of texts",
    body: schemas.tokenizeRequest,
    response: schemas.tokenizeResponse,
    answer: tokenize,
  }),
  post({
    path: "/decode",
    family: "tei",
    summary: "Token ids to texts",
    body: schemas.decodeRequest,
    response: schemas.decodeResponse,
    answer: decode,
  }),
];
