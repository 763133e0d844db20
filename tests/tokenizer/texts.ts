import fc from "fast-check";

const SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>", "<tool_call>", "<|im_", "<|"];
const SPACES = [" ", "  ", "\n", "\r\n", "\t", " \n ", "\u0085", "\u00a0", "\u2028", "\u3000", "\ufeff", "\u200b"];
const CONTRACTIONS = ["'s", "'S", "'ſ", "'t", "'re", "'VE", "'m", "'lL", "'d", "'", "’s", "'re'll"];
const MARKS = [
  "\u0301",
  "\u0323",
  "\u0327",
  "\u0345",
  "\u093c",
  "\u09be",
  "\u0bbe",
  "\u0e38",
  "\u0e48",
  "\u3099",
  "\u0344",
];
const COMPOSED = [
  "é",
  "ế",
  "Å",
  "\u212b",
  "\u2126",
  "한",
  "하",
  "\u1112\u1161\u11ab",
  "\u0958",
  "\u0b94",
  "\u1e0d\u0307",
];
const NEWER = ["\u0898", "\u{11938}", "\u{105c9}", "\u{10940}", "\u{1e6c0}", "\u0c3c"];
const WORDS = [
  "the",
  "hello",
  "Straße",
  "Привет",
  "世界",
  "नमस्ते",
  "สวัสดี",
  "مرحبا",
  "안녕",
  "x²",
  "½",
  "Ⅷ",
  "2025",
  "🙂",
  "👩‍💻",
];
const CODE = [
  "{",
  "}",
  "();",
  "=>",
  "//",
  "/*",
  "*/",
  "<div>",
  "!==",
  "...",
  "----------------",
  "foo_bar",
  "\\n",
  "#",
  "@",
];

/** Texts made of what tokenizers stumble over, and of any other character. */
export const awkwardTexts: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...WORDS) },
      { weight: 4, arbitrary: fc.constantFrom(...SPACES) },
      { weight: 2, arbitrary: fc.constantFrom(...CONTRACTIONS, ...CODE) },
      { weight: 2, arbitrary: fc.constantFrom(...MARKS, ...COMPOSED, ...NEWER) },
      { weight: 1, arbitrary: fc.constantFrom(...SPECIAL) },
      { weight: 2, arbitrary: fc.string({ unit: "grapheme", maxLength: 8 }) },
      { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 8 }) },
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(""));
