import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeText } from "../../../src/cli/search/read-text.ts";

describe("decodeText", () => {
  it("reads UTF-8 with and without a byte order mark, UTF-16 and Latin-1", () => {
    assert.equal(decodeText(Buffer.from("Zürich 東京")), "Zürich 東京");
    assert.equal(decodeText(Buffer.from("\uFEFFa")), "a");
    assert.equal(decodeText(Buffer.from("\uFEFFaü", "utf16le")), "aü");
    assert.equal(decodeText(Buffer.from("\uFEFFaü", "utf16le").swap16()), "aü");
    assert.equal(decodeText(Buffer.from("Z\xfcrich", "latin1")), "Zürich");
  });

  it("tells binary from text", () => {
    assert.equal(decodeText(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1])), undefined);
    assert.equal(decodeText(Buffer.from(Array.from({ length: 256 }, (_, i) => 200 - (i % 200)))), undefined);
  });
});
