/** A line without its line break. Offsets into the text. */
export interface Line {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Cuts at `\n`; a `\r` before it belongs to the break. The empty rest after a last break is no line. */
export function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  for (let start = 0; start < text.length;) {
    const feed = text.indexOf("\n", start);
    const next = feed < 0 ? text.length : feed + 1;
    let end = feed < 0 ? text.length : feed;
    if (feed > start && text[feed - 1] === "\r") end -= 1;
    lines.push({ start, end, text: text.slice(start, end) });
    start = next;
  }
  return lines;
}

/** Tells on which line, counted from 1, an offset lies. */
export function lineCounter(text: string): (offset: number) => number {
  const starts = [0];
  for (let feed = text.indexOf("\n"); feed >= 0; feed = text.indexOf("\n", feed + 1)) starts.push(feed + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return high;
  };
}

export function isBlank(line: Line): boolean {
  return line.text.trim() === "";
}

/** Width of the leading white space, a tab counting as four. */
export function indentation(text: string): number {
  let width = 0;
  for (const char of text) {
    if (char === " ") width += 1;
    else if (char === "\t") width += 4;
    else break;
  }
  return width;
}
