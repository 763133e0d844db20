/**
 * GPT-2's byte alphabet: tokenizer.json writes every byte as one printable character. Bytes that print in Latin-1 stand
 * for themselves; the other 68 are U+0100 and up, in order.
 */
export const BYTE_ALPHABET: string = writeAlphabet();

function writeAlphabet(): string {
  let standIn = 0x100;
  let alphabet = "";
  for (let byte = 0; byte < 256; byte++) alphabet += String.fromCharCode(isPrintable(byte) ? byte : standIn++);
  return alphabet;
}

function isPrintable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

/** Units of UTF-16 that the alphabet can be looked up by; all of it is below. */
const LETTERS_END = 0x800;

/** Byte of each letter of the alphabet, −1 for all other units. */
export function bytesOfLetters(): Int16Array {
  const bytes = new Int16Array(LETTERS_END).fill(-1);
  for (let byte = 0; byte < 256; byte++) bytes[BYTE_ALPHABET.charCodeAt(byte)] = byte;
  return bytes;
}
