/** How far a long operation is. `completed` reaches `total` exactly once, at the end. */
export interface Progress {
  readonly stage: "download" | "load" | "encode" | "rerank";
  readonly completed: number;
  readonly total: number;
  readonly unit: "bytes" | "texts" | "pairs";
}

export type OnProgress = (progress: Progress) => void;
