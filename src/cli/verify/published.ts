export interface PublishedMatrix {
  /** Who published it. */
  readonly engine: string;
  /** Queries × documents of the card. */
  readonly matrix: readonly (readonly number[])[];
  /** Half a unit of the last published digit, and what the engine's own arithmetic adds. */
  readonly tolerance: number;
}

export interface PublishedScore {
  readonly engine: string;
  readonly query: string;
  readonly document: string;
  /** P(yes) */
  readonly score: number;
  readonly tolerance: number;
}

export interface Published {
  /** Of embedding models. */
  readonly matrices?: readonly PublishedMatrix[];
  /** Of rerankers. */
  readonly scores?: readonly PublishedScore[];
  /** The first values of an unnormalised vector that an engine published. */
  readonly vector?: {
    readonly engine: string;
    readonly text: string;
    readonly start: readonly number[];
    readonly tolerance: number;
  };
}

/** Values that others published for a model, by the model's name. */
const PUBLISHED: ReadonlyMap<string, Published> = new Map([
  [
    "Qwen3-Embedding-0.6B",
    {
      matrices: [
        {
          engine: "sentence-transformers",
          matrix: [
            [0.7646, 0.1414],
            [0.1355, 0.6],
          ],
          tolerance: 5e-4,
        },
        {
          engine: "transformers, float32",
          matrix: [
            [0.76456, 0.14143],
            [0.1355, 0.59995],
          ],
          tolerance: 1e-4,
        },
        {
          engine: "vLLM, bfloat16",
          matrix: [
            [0.762, 0.1408],
            [0.1358, 0.6014],
          ],
          tolerance: 4e-3,
        },
      ],
      vector: {
        engine: "text-embeddings-inference, float32",
        text: "What is Deep Learning?",
        start: [-1.5195851, -3.0843177, -1.0581057, -6.4716716, -1.6939588, 6.247706],
        tolerance: 2e-3,
      },
    },
  ],
  [
    "qwen3-embedding-tiny",
    {
      matrices: [
        {
          engine: "sentence-transformers 6.2.0, float32",
          matrix: [
            [0.9055426120758057, 0.06734205782413483],
            [-0.02780759520828724, 0.34935134649276733],
          ],
          tolerance: 2e-6,
        },
      ],
      vector: {
        engine: "sentence-transformers 6.2.0, float32",
        text: "What is the capital of China?",
        start: [
          1.9111790657043457, 0.7149127125740051, -0.687931478023529, 3.2929725646972656, 0.9611098766326904,
          2.9184625148773193,
        ],
        tolerance: 2e-5,
      },
    },
  ],
  [
    "Qwen3-Reranker-0.6B",
    {
      scores: [
        {
          engine: "transformers",
          query: "What is the capital of China?",
          document: "The capital of Korea is Seoul.",
          score: 0.00103,
          tolerance: 1e-4,
        },
      ],
    },
  ],
  [
    "qwen3-reranker-tiny",
    {
      scores: [
        {
          engine: "transformers 5.23, float32",
          query: "What is the capital of China?",
          document: "The capital of China is Beijing.",
          score: 0.9525808691978455,
          tolerance: 2e-5,
        },
        {
          engine: "transformers 5.23, float32",
          query: "Explain gravity",
          document:
            "Gravity is a force that attracts two bodies towards each other. It gives weight to physical objects and is responsible for the movement of planets around the sun.",
          score: 0.9664590954780579,
          tolerance: 2e-5,
        },
      ],
    },
  ],
]);

/** What is known of a model, by the last part of its folder name or hub id. */
export function publishedFor(modelName: string): Published | undefined {
  return PUBLISHED.get(modelName.split(/[/\\]/).at(-1) ?? modelName);
}
