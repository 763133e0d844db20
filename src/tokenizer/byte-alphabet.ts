const FIRST_STAND_IN = 0x100;

/**
 * GPT-2's byte alphabet: tokenizer.json writes every byte as one printable character. Bytes that print in Latin-1 stand
 * for themselves; the other 68 are U+0100 and up, in order.
 */
export const BYTE_ALPHABET: string = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(letterOf(byte))).join(
  "",
);

function isPrintable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

function letterOf(byte: number): number {
  if (isPrintable(byte)) return byte;
  let letter = FIRST_STAND_IN;
  for (let other = 0; other < byte; other++) if (!isPrintable(other)) letter++;
  return letter;
}

/** Largest UTF-16 unit of the alphabet. */
const LAST_LETTER = 0x143;

/** Byte of each UTF-16 unit of the alphabet, −1 for units outside it. */
export function bytesOfLetters(): Int16Array {
  const bytes = new Int16Array(LAST_LETTER + 1).fill(-1);
  for (let byte = 0; byte < 256; byte++) bytes[BYTE_ALPHABET.charCodeAt(byte)] = byte;
  return bytes;
}

/** The bytes that a token's text stands for; a text with other characters stands for its own UTF-8. */
export function tokenBytes(token: string, letters: Int16Array): Uint8Array {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = letters[token.charCodeAt(i)] ?? -1;
    if (byte < 0) return new TextEncoder().encode(token);
    bytes[i] = byte;
  }
  return bytes;
}
