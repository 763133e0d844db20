import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { list, numberOf, readOptions } from "../command-line.ts";
import { LineProcess } from "../line-process.ts";
import type { Row } from "../report.ts";
import { publish } from "../report.ts";
import { interleave, median } from "../statistics.ts";
import { CONTENDERS, type Contender, versionOf } from "./contenders.ts";
import type { Document, Kind } from "./corpus.ts";
import { readCorpus } from "./corpus.ts";
import type { Measured, Request } from "./protocol.ts";

const ORACLE = "tokenizers";

const HELP = `npm run bench -- tokenizer [OPTION…]
Tokenizers with Qwen3's vocabulary and merges over the same documents, one thread each, every measurement in a fresh process.

  --only LIST   ${CONTENDERS.map(({ name }) => name).join(", ")}  (all)
  --rounds N    measurements of each  (5)
  --extras LIST contenders to time on one short query and on endless words  (qwen3-ts,tokenizers)
  --node FILE   another Node to run them in
  --json FILE   write the report as JSON too`;

const OPTIONS = {
  only: { type: "string", default: CONTENDERS.map(({ name }) => name).join(",") },
  rounds: { type: "string", default: "5" },
  extras: { type: "string", default: "qwen3-ts,tokenizers" },
  node: { type: "string", default: process.execPath },
  json: { type: "string" },
} as const;

/** One thread for those that would take more. */
const ENVIRONMENT = { TOKENIZERS_PARALLELISM: "false", RAYON_NUM_THREADS: "1" };

export async function run(args: readonly string[]): Promise<void> {
  const values = readOptions(args, HELP, OPTIONS);
  if (!values) return;
  const only = list(values.only);
  const extras = list(values.extras);
  const contenders = CONTENDERS.filter(({ name }) => only.includes(name));
  const documents = readCorpus();
  const measured = await interleave(contenders, numberOf(values.rounds, "--rounds"), ({ name }, round) => {
    console.error(`${name}, round ${round + 1}`);
    return measure(values.node, {
      contender: name,
      digests: round === 0,
      extras: round === 0 && extras.includes(name),
    });
  });
  const results = [...measured].map(([contender, rounds]) => ({ contender, rounds }));
  const tables = [
    { title: "Over the corpus", rows: results.map((result) => speedRow(result, documents)) },
    { title: "Against the documents' ids by tokenizers", rows: differenceRows(results, documents) },
    { title: "Words without end: ns per byte of about 1 MB", rows: longRows(results) },
  ];
  const versions = contenders.flatMap(({ package: name }) =>
    name === undefined ? [] : [`${name} ${versionOf(name)}`],
  );
  publish(
    {
      bench: "tokenizer",
      options: values,
      about: { corpus: describe(documents), node: results[0]?.rounds[0]?.node, versions },
      tables,
    },
    values.json,
  );
}

interface Result {
  readonly contender: Contender;
  readonly rounds: readonly Measured[];
}

async function measure(node: string, request: Request): Promise<Measured> {
  const child = fileURLToPath(new URL("child.js", import.meta.url));
  const started = new LineProcess({ label: request.contender, command: [node, child], env: ENVIRONMENT });
  return started.ask<Measured>(request);
}

function speedRow({ contender, rounds }: Result, documents: readonly Document[]): Row {
  const first = (kind?: Kind): number =>
    speed(
      documents,
      rounds.map(({ firstMs }) => firstMs),
      kind,
    );
  return {
    tokenizer: contender.name,
    "": contender.about,
    "load ms": median(rounds.map(({ loadMs }) => loadMs)),
    "first pass MB/s": first(),
    Markdown: first("Markdown"),
    code: first("code"),
    languages: first("languages"),
    "second pass MB/s": speed(
      documents,
      rounds.map(({ secondMs }) => secondMs),
    ),
    "query µs": rounds[0]?.queryUs ?? null,
  };
}

/** Median megabytes per second, of one kind of document or of all. */
function speed(documents: readonly Document[], rounds: readonly Readonly<Record<Kind, number>>[], kind?: Kind): number {
  const bytes = documents.filter((document) => kind === undefined || document.kind === kind);
  const total = bytes.reduce((sum, document) => sum + document.bytes, 0);
  const ms = rounds.map((round) => (kind === undefined ? round.Markdown + round.code + round.languages : round[kind]));
  return total / 1e3 / median(ms);
}

function differenceRows(results: readonly Result[], documents: readonly Document[]): Row[] {
  const oracle = results.find(({ contender }) => contender.name === ORACLE)?.rounds[0]?.digests;
  if (!oracle) return [];
  return results.map(({ contender, rounds }) => {
    const digests = rounds[0]?.digests ?? [];
    const different = documents.filter((_, index) => digests[index] !== oracle[index]);
    return {
      tokenizer: contender.name,
      tokens: rounds[0]?.tokens ?? null,
      "documents that differ": different.length,
      which: different.map(({ name }) => name.split("/").at(-1)).join(" "),
    };
  });
}

function longRows(results: readonly Result[]): Row[] {
  return results.flatMap(({ contender, rounds }) => {
    const longNs = rounds[0]?.longNs;
    return longNs
      ? Object.entries(longNs).map(([text, ns]) => ({ tokenizer: contender.name, text, "ns/byte": ns }))
      : [];
  });
}

function describe(documents: readonly Document[]): Record<string, string> {
  const hash = createHash("sha256");
  for (const { text } of documents) hash.update(text);
  const sizes = (["Markdown", "code", "languages"] satisfies Kind[]).map((kind) => {
    const members = documents.filter((document) => document.kind === kind);
    const bytes = members.reduce((sum, document) => sum + document.bytes, 0);
    return [kind, `${members.length} documents, ${(bytes / 1e6).toFixed(2)} MB`];
  });
  return { ...Object.fromEntries(sizes), sha256: hash.digest("hex").slice(0, 16) };
}
