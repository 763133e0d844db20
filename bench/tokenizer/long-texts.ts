/** About 1 MB each of what has no end of a word in sight. */
export const LONG_TEXTS: Readonly<Record<string, string>> = {
  "one letter": "a".repeat(1e6),
  "random letters": generate(1e6, (random) => 0x61 + (random % 26)),
  spaces: " ".repeat(1e6),
  "line breaks": "\n".repeat(1e6),
  "one Chinese character": "中".repeat(333_333),
  "random Chinese": generate(333_333, (random) => 0x4e00 + (random % 20_000)),
  "one emoji": "😀".repeat(250_000),
  "random emoji": generate(250_000, (random) => 0x1f300 + (random % 700)),
  punctuation: "!".repeat(1e6),
  digits: "7".repeat(1e6),
  "decomposed letters": "e\u0301 ".repeat(250_000),
  "one letter with marks": `a${"\u0301\u0323".repeat(250_000)}`,
};

/** Code points from a fixed random sequence (xorshift32). */
function generate(count: number, codePoint: (random: number) => number): string {
  let state = 0x2545f491;
  const characters = Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return String.fromCodePoint(codePoint(state >>> 0));
  });
  return characters.join("");
}
