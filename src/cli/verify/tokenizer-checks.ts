import { RerankerModel } from "../../index.ts";
import { type Check, passes } from "./check.ts";
import type { Role, Subject } from "./subject.ts";

type Tokenizer = Subject["model"]["tokenizer"];

/** Ids that only Qwen3's own vocabulary gives. */
const QWEN3_TOKENS: Readonly<Record<string, number>> = { test: 1944, "<|endoftext|>": 151_643, yes: 9693, no: 2152 };
const QWEN3_VOCABULARY = 151_643;

const SAMPLE = "Hello, wörld! 你好 1234 \u{1f600}\n\tdef f(x): return x";

/** Whether the tokenizer does what such a model needs of it. */
export function tokenizerChecks({ model, role }: Subject): Check[] {
  const { tokenizer } = model;
  const roundTrip = tokenizer.decode(tokenizer.encode(SAMPLE, { addSpecialTokens: false }).ids);
  return [
    model instanceof RerankerModel ? prompt(model) : endToken(tokenizer, role),
    passes(
      "decode(encode)",
      roundTrip === SAMPLE,
      roundTrip === SAMPLE ? "gives a mixed text back" : `gives ${JSON.stringify(roundTrip)}`,
    ),
    knownIds(tokenizer),
  ];
}

function endToken(tokenizer: Tokenizer, role: Role): Check {
  if (role === "causal")
    return { name: "end token", status: "not applicable", detail: "a language model's texts go on" };
  const last = tokenizer.encode("test").ids.at(-1) ?? -1;
  const end = tokenizer.decode(Uint32Array.of(last));
  const where = "the vector is taken there";
  return passes("end token", end === "<|endoftext|>", `a text ends with ${JSON.stringify(end)}; ${where}`);
}

/** Nothing may come between the prompt and the answer. */
function prompt(model: RerankerModel): Check {
  const end = "<think>\n\n</think>\n\n";
  const text = model.tokenizer.decode(model.encodePair("query", "document"));
  const asTrained = text.includes("<Query>: query\n<Document>: document<|im_end|>") && text.endsWith(end);
  return passes(
    "prompt",
    asTrained,
    `a pair ends with ${JSON.stringify(text.slice(-end.length))}; P(yes) is taken there`,
  );
}

function knownIds(tokenizer: Tokenizer): Check {
  const name = "known ids";
  if (tokenizer.vocabSize < QWEN3_VOCABULARY) {
    return { name, status: "not applicable", detail: `a vocabulary of ${tokenizer.vocabSize}, not Qwen3's` };
  }
  const found = Object.keys(QWEN3_TOKENS).map((token) => [token, tokenizer.tokenToId(token)] as const);
  const right = found.every(([token, id]) => QWEN3_TOKENS[token] === id);
  return passes(name, right, found.map(([token, id]) => `${JSON.stringify(token)} is ${id ?? "missing"}`).join(", "));
}
