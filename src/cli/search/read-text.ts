import { readFile } from "node:fs/promises";

/** How much of a file is looked at to tell text from binary. */
const SAMPLE = 8192;

/** The text of a file, or undefined if it is binary. */
export async function readText(file: string): Promise<string | undefined> {
  return decodeText(await readFile(file));
}

/** UTF-8, UTF-16 by its byte order mark, or else Latin-1, which old files are written in. */
export function decodeText(bytes: Uint8Array): string | undefined {
  const utf16 = utf16Label(bytes);
  if (utf16 !== undefined) return new TextDecoder(utf16).decode(bytes);
  const sample = bytes.subarray(0, SAMPLE);
  if (sample.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return controlShare(sample) > 0.01 ? undefined : Buffer.from(bytes).toString("latin1");
  }
}

function utf16Label(bytes: Uint8Array): "utf-16le" | "utf-16be" | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  return undefined;
}

/** Share of bytes that text does not hold: control characters other than white space and escape. */
function controlShare(bytes: Uint8Array): number {
  const controls = bytes.filter((byte) => byte < 0x20 && !(byte >= 0x08 && byte <= 0x0d) && byte !== 0x1b).length;
  return controls / Math.max(1, bytes.length);
}
