import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { OVERLAP_LENGTH, PASSAGE_LENGTH, splitFile } from "../../../src/cli/search/split.ts";

/** Lines of every kind that decides something in one of the splitters. */
const line = fc.oneof(
  fc.constantFrom("", "  ", "# One", "## Two ##", "Title", "=====", "---", "```ts", "```", "~~~~", "    indented", "}"),
  fc.constantFrom(
    "- item",
    "function f() {",
    "export const a = 1;",
    "\tx();",
    "end",
    "| a | b |",
    "한국어 문장입니다。",
  ),
  fc.string({ unit: "grapheme", maxLength: 60 }).filter((text) => !text.includes("\n")),
  fc.integer({ min: 1, max: 400 }).map((words) => "lorem ipsum. ".repeat(words).trim()),
  fc.integer({ min: 900, max: 2500 }).map((length) => "x".repeat(length)),
);
const text = fc
  .tuple(fc.array(line, { maxLength: 40 }), fc.constantFrom("\n", "\r\n"))
  .map(([lines, lineBreak]) => lines.join(lineBreak));
const path = fc.constantFrom("a.md", "a.ts", "a.txt", "README");

describe("splitFile", () => {
  it("covers every character that is not white space, in order, within the length", () => {
    fc.assert(
      fc.property(path, text, (name, content) => {
        let covered = 0;
        for (const passage of splitFile(name, content)) {
          assert.ok(passage.text.length <= PASSAGE_LENGTH + 100 + OVERLAP_LENGTH, `${passage.text.length} characters`);
          const { start } = passage;
          assert.equal(content.slice(start, start + passage.text.length), passage.text);
          assert.equal(content.slice(covered, Math.max(covered, start)).trim(), "", "nothing is left out");
          covered = start + passage.text.length;
        }
        assert.equal(content.slice(covered).trim(), "");
      }),
    );
  });

  it("counts lines as editors do", () => {
    fc.assert(
      fc.property(path, text, (name, content) => {
        const lines = content.split(/\r?\n/);
        for (const passage of splitFile(name, content)) {
          const own = passage.text.split(/\r?\n/);
          assert.equal(passage.endLine - passage.startLine + 1, own.length);
          for (const [i, ownLine] of own.entries()) {
            assert.ok(lines[passage.startLine - 1 + i]?.includes(ownLine), `line ${passage.startLine + i}: ${ownLine}`);
          }
        }
      }),
    );
  });

  it("gives Markdown passages the titles above them and never joins two sections", () => {
    const passages = splitFile(
      "guide.md",
      "# Guide\n\n## Install\n\nRun it.\n\n### Windows\nClick.\n\nUsage\n-----\n\nType.\n\n```sh\n# no heading\n\nls\n```\n",
    );
    assert.deepEqual(
      passages.map(({ headings, startLine, endLine }) => ({ headings, startLine, endLine })),
      [
        { headings: ["Guide", "Install"], startLine: 1, endLine: 5 },
        { headings: ["Guide", "Install", "Windows"], startLine: 7, endLine: 8 },
        { headings: ["Guide", "Usage"], startLine: 10, endLine: 19 },
      ],
    );
  });

  it("takes front matter, rules, nested fences and indented code for what they are", () => {
    const front = splitFile("a.md", "---\ntitle: x\n---\n\nBody\n\n---\n\n````\n```\n# inside\n````\n\n    # code\n");
    assert.deepEqual(
      front.map(({ headings }) => headings),
      [[]],
    );
    assert.deepEqual(splitFile("a.md", "no heading\n- list\n---\ntext").at(0)?.headings, []);
    assert.deepEqual(splitFile("a.md", "#no-heading\n\n####### none\n").at(0)?.headings, []);
  });

  it("keeps functions whole and cuts between them", () => {
    const body = (name: string): string => `/** ${name} */\nfunction ${name}() {\n${"  work();\n\n".repeat(60)}}\n`;
    const passages = splitFile("a.ts", `${body("first")}\n${body("second")}`);
    assert.deepEqual(
      passages.map(({ text: own }) => /function (\w+)/.exec(own)?.[1]),
      ["first", "second"],
    );
    assert.ok(passages[1]?.text.includes("/** second */"));
  });

  it("repeats the end of a passage at the start of the next", () => {
    const sentences = Array.from({ length: 60 }, (_, i) => `This is sentence number ${i} of a long paragraph.`);
    const passages = splitFile("a.txt", sentences.join(" "));
    assert.ok(passages.length > 2);
    for (const [i, passage] of passages.entries()) {
      assert.ok(passage.text.startsWith("This is"), "an overlap begins with a sentence");
      const before = passages[i - 1];
      if (before === undefined) continue;
      const shared = before.text.slice(before.text.lastIndexOf("This is"));
      assert.ok(passage.text.includes(shared), `passage ${i} repeats "${shared}"`);
    }
  });

  it("never cuts a surrogate pair", () => {
    for (const passage of splitFile("a.txt", "😀".repeat(3000))) assert.ok(!/\p{Surrogate}/u.test(passage.text));
  });

  it("stays linear on hostile text", () => {
    for (const unit of ["# ", "#", "```", "~~~\n", "=\n", "- ", " \n", "a\n===\n", "。", "}\n"]) {
      const passages = splitFile("a.md", unit.repeat(1 << 17));
      assert.ok(passages.length < 1 << 17);
    }
  });
});
