/** Letters and digits of any script, and marks that belong to them. */
const WORD = /[\p{L}\p{M}\p{N}]+/gu;
/** Scripts that are written without spaces: their runs are cut into pairs of characters. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]+/gu;
const HUMP = /(?<=\p{Ll}|\p{N})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u;

/** Words of questions that say nothing about the answer; in a small collection BM25 would take them for rare ones. */
const STOP_WORDS = new Set(
  (
    "a about an and are as at be by can could did do does for from how i in is it its me my of on or our should so " +
    "that the their there they this to was we were what when where which who why will with would you your"
  )
    .split(" ")
    .map(singular),
);

/**
 * Terms of a passage for BM25: lower-case words without their plural ending; parts of `camelCase` names beside the whole
 * name; pairs of characters in scripts without spaces.
 */
export function termsOf(text: string): string[] {
  const terms: string[] = [];
  for (const [word] of text.normalize("NFKC").matchAll(WORD)) {
    const unspaced = word.match(UNSPACED);
    if (unspaced !== null) {
      for (const run of unspaced) terms.push(...characterPairs(run));
      for (const rest of word.split(UNSPACED)) if (rest !== "") terms.push(rest.toLowerCase());
      continue;
    }
    terms.push(singular(word.toLowerCase()));
    const parts = word.split(HUMP);
    if (parts.length > 1) for (const part of parts) terms.push(singular(part.toLowerCase()));
  }
  return terms;
}

/** Terms of a question: as those of a passage, without words such as "how" unless there are no others. */
export function queryTermsOf(query: string): string[] {
  const terms = [...new Set(termsOf(query))];
  const telling = terms.filter((term) => !STOP_WORDS.has(term));
  return telling.length > 0 ? telling : terms;
}

/** Harman's S-stemmer, the mildest of English stemmers: batches, queries and tokens lose their ending, bus does not. */
function singular(word: string): string {
  if (word.length < 4) return word;
  if (/(?<![ae])ies$/.test(word)) return `${word.slice(0, -3)}y`;
  if (/(?:ch|sh|x|z|ss)es$/.test(word)) return word.slice(0, -2);
  if (/(?<![us])s$/.test(word)) return word.slice(0, -1);
  return word;
}

function characterPairs(run: string): string[] {
  const characters = Array.from(run);
  if (characters.length === 1) return characters;
  return characters.slice(1).map((character, i) => `${characters[i] ?? ""}${character}`);
}
