/**
 * A program as users write it, against the installed package: compiled strictly, then run. It uses every public name, so
 * that the types that are published are those that are meant. A test compares its names with the index files.
 */
import assert from "node:assert/strict";
import {
  type Activation,
  type Backend,
  type BackendAgreement,
  type BackendKind,
  type BackendOptions,
  capturePaths,
  CausalModel,
  type ChatMessage,
  type ChatOptions,
  type ChatTemplateOptions,
  compareBackends,
  type CompareOptions,
  createBackend,
  type DecoderShape,
  type DeviceInfo,
  EmbeddingModel,
  type EncodeOptions,
  type ErrorCode,
  type ForwardOptions,
  type ForwardResult,
  type GeneratedToken,
  type GenerateOptions,
  type KvCache,
  type KvCacheSize,
  type KvCacheUse,
  type LoadOptions,
  type Matrix,
  type MatrixSource,
  type MemoryUse,
  type ModuleAgreement,
  type Norm,
  type OnProgress,
  type Ops,
  type PairOptions,
  type Precision,
  type Progress,
  type Prompt,
  type QuantizationOptions,
  quantizationRanges,
  type QuantizationRanges,
  quantizeEmbeddings,
  Qwen3Error,
  type Qwen3Config,
  type RankedDocument,
  type RankOptions,
  type Recording,
  RerankerModel,
  type RerankOptions,
  type Segment,
  type Tensor,
  type VectorOf,
} from "qwen3-ts";
import {
  type AddedToken,
  DecodeStream,
  type DecodeOptions,
  type EncodeOptions as TokenizeOptions,
  type Encoding,
  type Template,
  Tokenizer,
} from "qwen3-ts/tokenizer";
import {
  bundledModels,
  Checkpoint,
  ModelFolder,
  checkTensors,
  DEFAULT_MODEL,
  DEFAULT_RERANKER,
  type DownloadProgress,
  type ResolvedModel,
  type ResolveOptions,
  resolveModel,
  SafetensorsFile,
  type TensorInfo,
} from "qwen3-ts/weights";
import {
  createHandler,
  type Embedder,
  type Handler,
  type Logger,
  type Models,
  type Scorer,
  type ServerOptions,
} from "qwen3-ts/server";

/** Compiles only if the value has exactly this type, not merely one that fits. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function exactly<Expected>(): <Actual>(value: Actual, same: Same<Actual, Expected>) => Actual {
  return (value) => value;
}

async function embeddings(): Promise<void> {
  const seen: Progress[] = [];
  const onProgress: OnProgress = (progress) => seen.push(progress);
  const load: LoadOptions = { device: "auto", dtype: "auto", onProgress, signal: new AbortController().signal };
  await using model = await EmbeddingModel.load(undefined, load);
  assert.ok(seen.some(({ stage }) => stage === "load"));
  const config: Qwen3Config = model.config;
  const shape: DecoderShape = config;
  assert.equal(shape.hiddenSize, model.dimensions);
  const device: DeviceInfo = model.device;
  const memory: MemoryUse = model.memory;
  assert.ok(memory.weights > 0 && device.description !== "");

  const one = exactly<Float32Array>()(await model.encode("a"), true);
  const list = exactly<Float32Array[]>()(await model.encode(["a", "b"]), true);
  assert.deepEqual(one, list[0]);
  const options: EncodeOptions<"binary"> = { precision: "binary", dimensions: 64 };
  const packed = exactly<Int8Array[]>()(await model.encode(["a"], options), true);
  assert.equal(packed[0]?.length, 8);
  exactly<Float32Array>()(await model.encodeQuery("a"), true);
  exactly<Float32Array[]>()(await model.encodeDocument(["a"]), true);
  exactly<number[][]>()(model.similarity(list, list), true);
  // @ts-expect-error texts are strings
  await assert.rejects(model.encode([1]), isOurs("invalid-argument"));
  // @ts-expect-error there is no such precision
  await assert.rejects(model.encode(["a"], { precision: "float16" }), isOurs("invalid-argument"));

  const precision: Precision = "uint8";
  const quantization: QuantizationOptions = { ranges: quantizationRanges(list) satisfies QuantizationRanges };
  const bytes: VectorOf["uint8"][] = quantizeEmbeddings(list, precision, quantization);
  assert.equal(bytes.length, 2);

  const forward: ForwardOptions = { capture: [capturePaths(config.numHiddenLayers)[0] ?? ""], logits: "last" };
  const { hidden, logits, captured }: ForwardResult = await model.forward([1, 2, 3], forward);
  exactly<Tensor>()(hidden, true);
  assert.deepEqual([hidden.shape, logits?.shape, captured.size], [[3, model.dimensions], [1, config.vocabSize], 1]);
}

async function reranking(): Promise<void> {
  await using model = await RerankerModel.load();
  const pair: PairOptions = { instruction: "Find the capital", maxLength: 120 };
  exactly<Uint32Array>()(model.encodePair("China", "Beijing", pair), true);
  const scoring: RerankOptions = { ...pair, maxBatchTokens: 256 };
  const [score = 0] = exactly<Float32Array>()(await model.score([["China", "Beijing"]], scoring), true);
  const ranking: RankOptions = { ...scoring, topK: 1, returnDocuments: true };
  const [best]: RankedDocument[] = await model.rank("China", ["Beijing"], ranking);
  assert.deepEqual([best?.index, best?.document, Math.fround(best?.score ?? 0)], [0, "Beijing", score]);
  // @ts-expect-error a pair has a document
  await assert.rejects(model.score([["China"]]), isOurs("invalid-argument"));
}

async function generating(): Promise<void> {
  await using model = await CausalModel.load("qwen3-reranker-tiny");
  const thinking: ChatOptions = { enableThinking: false };
  const options: GenerateOptions = { ...thinking, maxNewTokens: 2, ignoreEos: true, temperature: 1, seed: 7 };
  const tokens: GeneratedToken[] = [];
  for await (const token of model.generate("The capital of China is", options)) tokens.push(token);
  assert.deepEqual([tokens.length, tokens[1]?.finishReason], [2, "length"]);
  const messages: readonly ChatMessage[] = [{ role: "user", content: "Hello" }];
  const prompts: readonly Prompt[] = [Uint32Array.of(1, 2), "text", messages];
  assert.equal(model.hasChatTemplate, false);
  await assert.rejects(model.generateBatch(prompts, options).next(), isOurs("not-found"));
  const template: ChatTemplateOptions = { ...thinking, addGenerationPrompt: true };
  await assert.rejects(model.applyChatTemplate(messages, template), isOurs("not-found"));
}

function isOurs(code: ErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof Qwen3Error && error.code === code;
}

async function backends(): Promise<void> {
  const options: BackendOptions = { kind: "reference" };
  const backend: Backend = await createBackend(options);
  const kind: BackendKind = backend.kind;
  const source: MatrixSource = {
    name: "identity",
    rows: 2,
    columns: 2,
    dtype: "F32",
    readRows: async (start, count, into) => {
      const rows = Float32Array.of(1, 0, 0, 1).subarray(2 * start, 2 * (start + count));
      into.set(new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength));
    },
  };
  const matrix: Matrix = await backend.loadMatrix(source, "product-and-table");
  const norm: Norm = backend.loadNorm("ones", Float32Array.of(1, 1), 1e-6);
  const recording: Recording = backend.record();
  const ops: Ops = recording;
  const rows: Activation = ops.rmsNorm(ops.embed(matrix, Uint32Array.of(1)), norm);
  const [normed] = await recording.read(rows);
  assert.ok(Math.abs((normed?.[1] ?? 0) - Math.SQRT2) < 1e-3, kind);
  const size: KvCacheSize = { layers: 1, slots: 4, keyValueWidth: 2 };
  const use: KvCacheUse = "growth";
  const cache: KvCache = backend.createKvCache(size, use);
  cache.dispose();
  await backend.dispose();
  const segment = { queryStart: 0, queryLength: 1, keyStart: 0, keyLength: 1, prefixStart: 0, prefixLength: 0 };
  exactly<Segment["queryStart"]>()((segment satisfies Segment).queryStart, true);

  const compare: CompareOptions = { tolerance: 1e-3 };
  const agreements: BackendAgreement[] = await compareBackends(undefined, ["a"], ["reference", options], compare);
  const modules: readonly ModuleAgreement[] | undefined = agreements[0]?.modules;
  assert.ok(modules?.every(({ maxAbsError }) => maxAbsError === 0));
}

async function parts(): Promise<void> {
  const downloads: DownloadProgress[] = [];
  const options: ResolveOptions = { localFilesOnly: true, onProgress: (progress) => downloads.push(progress) };
  const resolved: ResolvedModel = await resolveModel(undefined, options);
  for (const name of [DEFAULT_MODEL, DEFAULT_RERANKER]) assert.ok(bundledModels().includes(name));
  assert.equal(resolved.name, DEFAULT_MODEL);
  assert.notEqual(new ModelFolder(resolved.folder).file("config.json"), undefined);
  await using checkpoint = await Checkpoint.open(resolved.folder);
  const info: TensorInfo | undefined = checkpoint.tensors.get("norm.weight");
  assert.deepEqual(
    checkTensors(checkpoint, new Map([["norm.weight", info?.shape ?? []]])).includes("norm.weight"),
    false,
  );
  await using file = await SafetensorsFile.open(`${resolved.folder}/model.safetensors`);
  exactly<Float32Array>()(await file.readFloat32("norm.weight"), true);

  const tokenizer = await Tokenizer.fromFile(checkpoint.file("tokenizer.json") ?? "");
  const tokenize: TokenizeOptions = { addSpecialTokens: false, offsets: true };
  const { ids, offsets }: Encoding = tokenizer.encode("héllo", tokenize);
  const decode: DecodeOptions = { skipSpecialTokens: true };
  assert.equal(tokenizer.decode(ids, decode), "héllo");
  assert.equal(offsets?.length, 2 * ids.length);
  const special: AddedToken | undefined = tokenizer.addedTokens[0];
  const { suffix }: Template = tokenizer.template;
  assert.ok(suffix.length > 0);
  assert.equal(special?.content, "<|endoftext|>");
  const stream = new DecodeStream((id) => (id === 1 ? Uint8Array.of(0x41) : undefined));
  assert.equal(stream.push(1) + stream.flush(), "A");
}

async function server(): Promise<void> {
  await using embedding = await EmbeddingModel.load();
  await using reranker = await RerankerModel.load();
  const models: Models = { embedding: embedding satisfies Embedder, reranker: reranker satisfies Scorer };
  const logger: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const options: ServerOptions = { apiKey: "secret", logger };
  const handler: Handler = createHandler(models, options);
  const response = await handler(new Request("http://127.0.0.1/info", { headers: { authorization: "Bearer secret" } }));
  assert.equal(response.status, 200);
}

await embeddings();
await reranking();
await generating();
await backends();
await parts();
await server();
console.log("the consumer ran to its end");
