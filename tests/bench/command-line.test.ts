import assert from "node:assert/strict";
import { test } from "node:test";
import { given, list, numberOf, numbersOf, readOptions } from "../../bench/command-line.ts";

const OPTIONS = { rounds: { type: "string", default: "3" }, model: { type: "string" } } as const;

test("options have their defaults, and unknown ones are refused by name", () => {
  assert.equal(readOptions([], "help", OPTIONS)?.rounds, "3");
  assert.equal(readOptions(["--rounds", "5"], "help", OPTIONS)?.rounds, "5");
  assert.throws(() => readOptions(["--round", "5"], "help", OPTIONS), /--round/);
});

test("--help prints the help and asks for nothing else", ({ mock }) => {
  const log = mock.method(console, "log", () => undefined);
  assert.equal(readOptions(["--help"], "what it does", OPTIONS), undefined);
  assert.deepEqual(log.mock.calls[0]?.arguments, ["what it does"]);
});

test("what is missing or no number is named", () => {
  assert.throws(() => given(undefined, "--model DIR"), /--model DIR is missing/);
  assert.throws(() => numberOf("many", "--rounds"), /--rounds many: expected a number/);
  assert.throws(() => numbersOf("1,-2", "--rows"), /--rows -2/);
  assert.throws(() => numberOf("", "--rounds"), /expected a number/);
});

test("lists are separated by commas", () => {
  assert.deepEqual(list("a,,b"), ["a", "b"]);
  assert.deepEqual(numbersOf("1,16", "--rows"), [1, 16]);
});
