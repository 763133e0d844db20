/** The example of the Qwen3-Embedding model cards: queries, and documents that answer them in that order. */
export const CARD_QUERIES: readonly string[] = ["What is the capital of China?", "Explain gravity"];
export const CARD_DOCUMENTS: readonly string[] = [
  "The capital of China is Beijing.",
  "Gravity is a force that attracts two bodies towards each other. It gives weight to physical objects and is responsible for the movement of planets around the sun.",
];
