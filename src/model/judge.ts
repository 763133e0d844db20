import { Qwen3Error } from "../core/errors.ts";
import type { Matrix } from "../kernels/backend.ts";
import { type Checkpoint, checkTensors } from "../weights/index.ts";
import type { Head } from "./head.ts";
import type { ModelDescription } from "./load-model.ts";

/** A classifier that some reranker checkpoints were converted to (`Qwen3ForSequenceClassification`). Never prefixed. */
const SCORE = "score.weight";

/** Where a reranker's answer is read off. */
export type Answers =
  /** The logits of two tokens, as Qwen3-Reranker was trained. */
  | { readonly kind: "tokens"; readonly no: number; readonly yes: number }
  /** A classifier's two labels. */
  | { readonly kind: "labels"; readonly no: number; readonly yes: number }
  /** A classifier's one label, whose logit is that of yes minus that of no. */
  | { readonly kind: "label" };

/** @throws Qwen3Error `invalid-checkpoint` if the model has neither a classifier nor the tokens `yes` and `no` */
export async function readAnswers({ checkpoint, config, tokenizer }: ModelDescription): Promise<Answers> {
  const score = checkpoint.tensors.get(SCORE);
  if (score) {
    const [labels = 0] = score.shape;
    if (labels !== 1 && labels !== 2) {
      const message = `${checkpoint.name}: '${SCORE}' has ${labels} labels; a reranker has one (relevance) or two (no, yes)`;
      throw new Qwen3Error("unsupported", message);
    }
    checkTensors(checkpoint, new Map([[SCORE, [labels, config.hiddenSize]]]));
    return labels === 1 ? { kind: "label" } : { kind: "labels", ...labelOrder(checkpoint) };
  }
  const [no, yes] = ["no", "yes"].map((word) => tokenizer?.tokenToId(word));
  if (no !== undefined && yes !== undefined) return { kind: "tokens", no, yes };
  const problem = tokenizer ? "its tokenizer has no tokens 'yes' and 'no'" : "it has no tokenizer.json";
  throw new Qwen3Error("invalid-checkpoint", `${checkpoint.name} is no Qwen3 reranker: ${problem}`);
}

/** Loads the one or two rows that answer. */
export async function loadJudge(answers: Answers, head: Head): Promise<Judge> {
  if (answers.kind !== "tokens") return new Judge(await head.other(SCORE), answers);
  const { no, yes } = answers;
  return new Judge(await head.rows("lm_head.weight (no, yes)", [no, yes]), { kind: "labels", no: 0, yes: 1 });
}

/** P(yes) of a pair, of which `logit` is yes − no. */
export function probabilityOf(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/** Reads answers off last hidden states. */
export class Judge {
  /** One row, or two: [1 or 2, hidden] */
  readonly head: Matrix;
  readonly #answers: Exclude<Answers, { kind: "tokens" }>;

  constructor(head: Matrix, answers: Exclude<Answers, { kind: "tokens" }>) {
    this.head = head;
    this.#answers = answers;
  }

  /** yes − no of row n, in float64. @param logits [N, 1 or 2] */
  logit(logits: Float32Array, n: number): number {
    const answers = this.#answers;
    const at = (label: number): number => logits[n * this.head.rows + label] ?? Number.NaN;
    return answers.kind === "label" ? at(0) : at(answers.yes) - at(answers.no);
  }
}

/** Which of two labels says yes, by config.json's names; the second if they tell nothing. */
function labelOrder({ config }: Checkpoint): { no: number; yes: number } {
  const names: unknown = typeof config === "object" && config !== null && "id2label" in config ? config.id2label : {};
  const first = typeof names === "object" && names !== null && "0" in names ? names["0"] : undefined;
  return first === "yes" ? { no: 1, yes: 0 } : { no: 0, yes: 1 };
}
