import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { COMMANDS } from "../../src/cli/commands.ts";
import { runCommand } from "./run-command.ts";
import { TemporaryFolder } from "./temporary-folder.ts";

describe("the command line", { concurrency: 2 }, () => {
  it("prints help and version to stdout", async () => {
    const help = await runCommand(["--help"]);
    assert.deepEqual([help.code, help.stderr], [0, ""]);
    for (const { name } of COMMANDS) assert.match(help.stdout.toString(), new RegExp(`^  ${name} `, "m"));
    const version = await runCommand(["--version"]);
    assert.match(version.stdout.toString(), /^\d+\.\d+\.\d+/);
  });

  it("explains every command's options", async () => {
    for (const { name } of COMMANDS) {
      const { code, stdout } = await runCommand([name, "--help"]);
      assert.equal(code, 0, name);
      assert.match(stdout.toString(), /--json/, name);
      assert.match(stdout.toString(), /--quiet/, name);
    }
  });

  const usageErrors: readonly (readonly [readonly string[], RegExp])[] = [
    [["nosuch"], /unknown command 'nosuch'/],
    [["embde"], /Did you mean embed\?/],
    [["embed"], /no text given/],
    [["embed", "a", "--nosuch"], /unknown option '--nosuch'/],
    [["embed", "a", "--dimensions", "1.5"], /--dimensions .*'1\.5' is invalid/],
    [["embed", "a", "--device", "tpu"], /Allowed choices are auto, webgpu, wasm, reference/],
    [["embed", "a", "--json", "--format", "csv"], /--json and --format csv contradict/],
    [["embed", "a", "--prompt", "b", "--instruction", "c"], /cannot be used with option/],
    [["embed", "-", "-"], /standard input can be read only once/],
    [["similarity", "alone"], /at least two/],
    [["search"], /missing required argument 'query'/],
    [["search", "a", "--vector", "--keyword"], /cannot be used with option/],
  ];
  for (const [args, message] of usageErrors) {
    it(`exits with 2 for: qwen3 ${args.join(" ")}`, async () => {
      const { code, stdout, stderr } = await runCommand(args);
      assert.deepEqual([code, stdout.toString()], [2, ""]);
      assert.match(stderr, message);
      assert.match(stderr, /^qwen3: /);
    });
  }

  const failures: readonly (readonly [readonly string[], RegExp])[] = [
    [["embed", "a", "--model", "./no/such/folder"], /no\/such\/folder/],
    [["embed", "--input", "no-such-file.txt"], /no-such-file\.txt/],
    [["embed", "a", "--dimensions", "100000", "-q"], /dimensions is 100000; expected/],
    [["embed", "a", "--prompt-name", "nosuch", "-q"], /nosuch/],
    [["inspect", "./no/such/folder"], /no\/such\/folder/],
    [["tokenize", "a", "--model", "./no/such/folder"], /no\/such\/folder/],
    [["search", "a", "./no/such/folder"], /'\.\/no\/such\/folder' does not exist/],
  ];
  for (const [args, message] of failures) {
    it(`exits with 1 and one sentence for: qwen3 ${args.join(" ")}`, async () => {
      const { code, stdout, stderr } = await runCommand(args);
      assert.deepEqual([code, stdout.toString()], [1, ""]);
      const [sentence, ...more] = stderr
        .trimEnd()
        .split("\n")
        .filter((line) => !line.startsWith("using the bundled"));
      assert.match(sentence ?? "", message);
      assert.deepEqual(more, []);
      assert.doesNotMatch(stderr, /unexpected/);
    });
  }

  it("shows where an error comes from with --verbose, and its causes", async () => {
    const { code, stderr } = await runCommand(["search", "a", "./no/such/folder", "--verbose"]);
    assert.equal(code, 1);
    assert.match(stderr, /^qwen3: Qwen3Error: .*does not exist/);
    assert.match(stderr, /\n {4}at /);
    assert.match(stderr, /caused by Error: ENOENT/);
  });

  it("exits with 130 on Ctrl-C", async () => {
    const { code, stdout, stderr } = await runCommand(["embed", "-", "--verbose"], {
      watch: (child) => child.stderr?.once("data", () => child.kill("SIGINT")),
    });
    assert.deepEqual([code, stdout.toString()], [130, ""]);
    assert.equal(stderr, "reading standard input\n");
  });

  it("ends quietly when the reader of its output goes away", async () => {
    using folder = new TemporaryFolder().write({ "long.txt": "all work and no play\n".repeat(20_000) });
    const { code, stderr } = await runCommand(["tokenize", "--input", folder.file("long.txt")], {
      watch: (child) => child.stdout?.once("data", () => child.stdout?.destroy()),
    });
    assert.deepEqual([code, stderr], [0, ""]);
  });
});
