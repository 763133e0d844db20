/** Texts to encode, with the number of tokens each has, the end token included. */
export interface Workload {
  readonly name: string;
  readonly description: string;
  readonly tokens: number;
  /** Equivalent lists of texts. Repetitions rotate through them, as some runtimes keep what they saw before. */
  readonly variants: readonly (readonly string[])[];
  /** Tokens of each text, the same for every variant. */
  readonly lengths: readonly number[];
  /** Measured repetitions, unless the caller says otherwise. */
  readonly rounds: number;
}

interface Plan {
  readonly description: string;
  readonly lengths: readonly number[];
  readonly variants: number;
  readonly rounds: number;
}

/** Mean 90, and a long tail: what a collection of notes, chat messages and pages looks like. Log-normal, cut to 8–512. */
// oxfmt-ignore
const RAGGED = [
  66, 36, 280, 95, 21, 17, 33, 40, 32, 18, 183, 19, 9, 512, 66, 114, 51, 25, 461, 29, 61, 19, 176, 76, 512, 35, 73, 267,
  61, 50, 56, 72, 54, 45, 25, 25, 85, 149, 8, 41, 234, 44, 284, 8, 31, 30, 60, 64, 105, 41, 134, 36, 26, 146, 55, 14,
  142, 8, 15, 139, 24, 25, 95, 18,
];

const PLANS: Readonly<Record<string, Plan>> = {
  W1: { description: "one query of 16 tokens", lengths: [16], variants: 12, rounds: 15 },
  W2: { description: "32 texts of 128 tokens", lengths: equal(32, 128), variants: 1, rounds: 3 },
  W2s: { description: "4 texts of 128 tokens", lengths: equal(4, 128), variants: 1, rounds: 5 },
  W3: { description: "one text of 2,048 tokens", lengths: [2048], variants: 1, rounds: 3 },
  W4: { description: "64 texts of 8 to 512 tokens, mean 90", lengths: RAGGED, variants: 1, rounds: 3 },
};

export const WORKLOAD_NAMES: readonly string[] = Object.keys(PLANS);

/**
 * Makes the workloads' texts.
 *
 * @param countTokens of a text as the model sees it, with the end token
 */
export function buildWorkloads(names: readonly string[], countTokens: (text: string) => number): Workload[] {
  return names.map((name) => {
    const plan = PLANS[name];
    if (!plan) throw new Error(`workload '${name}': expected ${WORKLOAD_NAMES.join(", ")}`);
    const random = randomIndexes(7);
    const texts = (): string[] => plan.lengths.map((length) => textOfLength(length, countTokens, random));
    return {
      name,
      description: plan.description,
      tokens: plan.lengths.reduce((sum, length) => sum + length, 0),
      variants: Array.from({ length: plan.variants }, texts),
      lengths: plan.lengths,
      rounds: plan.rounds,
    };
  });
}

function equal(count: number, length: number): number[] {
  return Array.from({ length: count }, () => length);
}

/** Common English words, most of them one token in Qwen3's vocabulary. */
const WORDS =
  `the of and to in is that for it as was with be by on not he his but at are this have from or had an they which one
  you were her all she there would their we him been has when who will more no if out so said what up its about into
  than them can only other new some could time these two may then do first any my now such like our over man me even
  most made after also did many before must through back years where much your way well down should because each just
  those people how too little state good very make world still own see men work long get here between both life being
  under never day same another know while last might us great old year off come since against go came right used take
  three water city river mountain history system music language paper market house school number energy garden winter
  summer bridge station library ocean planet science engine window farmer village doctor teacher student government
  company morning evening forest animal machine culture theory method question answer light sound stone metal paint
  story letter record`.split(/\s+/);

/** Documents of 100 to 300 tokens, and a question, for rerankers. */
export function buildRerankWorkload(
  documents: number,
  countTokens: (text: string) => number,
): { readonly query: string; readonly documents: readonly string[] } {
  const random = randomIndexes(11);
  const text = (length: number): string => textOfLength(length, countTokens, random);
  return { query: text(12), documents: Array.from({ length: documents }, () => text(100 + random(201))) };
}

/** Prompts of these many tokens, for generation. */
export function buildPrompts(lengths: readonly number[], countTokens: (text: string) => number): string[] {
  const random = randomIndexes(13);
  return lengths.map((length) => textOfLength(length, countTokens, random));
}

function textOfLength(
  length: number,
  countTokens: (text: string) => number,
  random: (below: number) => number,
): string {
  let text = "";
  let step = length;
  for (let missing = length - countTokens(text); missing > 0;) {
    step = Math.min(step, missing);
    const words = Array.from({ length: step }, () => WORDS[random(WORDS.length)]);
    const longer = `${text} ${words.join(" ")}`.trimStart();
    const left = length - countTokens(longer);
    if (left < 0) {
      step = Math.max(1, step >> 1); // words of several tokens: a smaller step, or at one word another word
      continue;
    }
    text = longer;
    missing = left;
  }
  return text;
}

/** A linear congruential generator: the same texts everywhere. */
function randomIndexes(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
