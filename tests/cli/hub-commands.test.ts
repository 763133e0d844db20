/** `qwen3 pull` and `qwen3 models`, and a model named by its hub id, against the hub server of the tests. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { COMMIT, embeddingRepo, ID } from "../weights/hub/hub-repos.ts";
import { HubServer, sendBytes } from "../weights/hub/hub-server.ts";
import { type CommandOptions, runCommand } from "./run-command.ts";
import { TemporaryFolder } from "./temporary-folder.ts";

function at(server: HubServer, folder: TemporaryFolder): CommandOptions {
  return {
    env: { HF_ENDPOINT: server.url, HF_HUB_CACHE: folder.path, MODELSCOPE_CACHE: folder.path, HF_HUB_OFFLINE: "" },
  };
}

const SNAPSHOT = `models--Qwen--Qwen3-Embedding-0.6B/snapshots/${COMMIT}`;

describe("qwen3 pull", () => {
  it("fetches a model and prints its folder, which then serves any command", async () => {
    using folder = new TemporaryFolder();
    await using server = await HubServer.start(embeddingRepo());
    const { code, stdout, stderr } = await runCommand(["pull", ID], at(server, folder));
    assert.deepEqual([code, stdout.toString()], [0, `${folder.file(SNAPSHOT)}\n`]);
    assert.equal(stderr, `${ID}, revision main: commit ${COMMIT}\n`);
    const requests = server.requests.length;
    const args = ["embed", "hello", "--model", ID, "--device", "reference", "--quiet"];
    const byId = await runCommand(args, at(server, folder));
    const bundled = await runCommand(["embed", "hello", "--device", "reference", "--quiet"]);
    assert.equal(byId.stdout.toString(), bundled.stdout.toString(), byId.stderr);
    assert.equal(server.requests.length, requests, "from the cache");
  });

  it("takes a revision and tells in JSON what it fetched", async () => {
    using folder = new TemporaryFolder();
    await using server = await HubServer.start(embeddingRepo());
    const args = ["pull", `hf:${ID}`, "--revision", "v1.0", "--cache-dir", folder.file("mine"), "--json", "--quiet"];
    const { code, stdout, stderr } = await runCommand(args, at(server, folder));
    assert.deepEqual([code, stderr], [0, ""]);
    const model = {
      folder: folder.file("mine", SNAPSHOT),
      origin: "huggingface",
      name: ID,
      revision: "v1.0",
      commit: COMMIT,
    };
    assert.deepEqual(JSON.parse(stdout.toString()), model);
  });

  it("asks the hub for what is new, unlike other commands", async () => {
    using folder = new TemporaryFolder();
    const next = "e".repeat(40);
    const { commits, ...repo } = embeddingRepo();
    const refs = new Map([["main", COMMIT]]);
    await using server = await HubServer.start({
      ...repo,
      refs,
      commits: new Map([...commits, [next, commits.get(COMMIT) ?? new Map()]]),
    });
    await runCommand(["pull", ID], at(server, folder));
    refs.set("main", next);
    const inspected = await runCommand(["inspect", ID, "--json"], at(server, folder));
    assert.equal((JSON.parse(inspected.stdout.toString()) as { path: string }).path, folder.file(SNAPSHOT));
    const pulled = await runCommand(["pull", ID], at(server, folder));
    assert.match(pulled.stdout.toString(), new RegExp(`${next}\n$`));
  });

  it("says in one sentence why it cannot", async () => {
    using folder = new TemporaryFolder();
    await using server = await HubServer.start(embeddingRepo());
    const CASES: readonly (readonly [string[], Readonly<Record<string, string>>, RegExp])[] = [
      [[ID, "--revision", "v9"], {}, /^qwen3: 'Qwen\/.*' has no revision 'v9' on http.*\n$/],
      [["Qwen/other"], {}, /^qwen3: http.* has no public model 'Qwen\/other'/],
      [["./folder"], {}, /^qwen3: '\.\/folder' is no hub id; expected one such as/],
      [["qwen3-embedding-tiny"], {}, /^qwen3: .* comes with the package; there is nothing to fetch\n$/],
      [[ID], { HF_HUB_OFFLINE: "1" }, /^qwen3: HF_HUB_OFFLINE forbids fetching 'Qwen\/.*'; unset it\n$/],
    ];
    for (const [args, env, message] of CASES) {
      const options = at(server, folder);
      const { code, stdout, stderr } = await runCommand(["pull", ...args], { env: { ...options.env, ...env } });
      assert.deepEqual([code, stdout.toString()], [1, ""], args.join(" "));
      assert.match(stderr, message);
    }
    assert.equal((await runCommand(["pull"])).code, 2);
  });

  it("stops at Ctrl-C, and goes on from there", async () => {
    using folder = new TemporaryFolder();
    await using server = await HubServer.start(embeddingRepo());
    const weights = embeddingRepo().commits.get(COMMIT)?.get("model.safetensors") ?? Buffer.alloc(0);
    let interrupt = (): void => undefined;
    server.intercept = ({ host, path }, response) => {
      if (host !== "cdn" || path.includes("c762b859")) return false; // the tokenizer
      response.writeHead(200, { "Content-Length": weights.byteLength });
      response.write(weights.subarray(0, 1_000_000), () => setTimeout(interrupt, 300));
      return true;
    };
    const watch: CommandOptions["watch"] = (child) => {
      interrupt = () => child.kill("SIGINT");
    };
    const { code, stdout } = await runCommand(["pull", ID], { ...at(server, folder), watch });
    assert.deepEqual([code, stdout.toString()], [130, ""]);
    server.intercept = (request, response) => {
      if (request.host === "cdn") assert.match(request.range ?? "", /^bytes=[1-9]/);
      if (request.host !== "cdn") return false;
      sendBytes(request, response, weights, "weights");
      return true;
    };
    assert.equal((await runCommand(["pull", ID], at(server, folder))).code, 0);
  });
});

describe("qwen3 models", () => {
  it("lists what is cached, with roles, revisions and sizes, and what comes with the package", async () => {
    using folder = new TemporaryFolder();
    await using server = await HubServer.start(embeddingRepo());
    await runCommand(["pull", ID], at(server, folder));
    folder.write({ "models--google--bert/snapshots/abc/config.json": '{"model_type": "bert"}' });
    const { code, stdout, stderr } = await runCommand(["models"], at(server, folder));
    assert.equal(code, 0);
    assert.match(
      stdout.toString(),
      /^MODEL +ROLE +REVISION +COMMIT +SIZE\nqwen3-embedding-tiny +embedding +with the package\n/,
    );
    assert.match(stdout.toString(), /^Qwen\/Qwen3-Embedding-0\.6B +embedding +main +c54f2e6e +6\.8 MiB$/m);
    assert.match(stderr, /^not shown: 1 of other architectures \(--all shows them\)\ncache: /);
    const all = JSON.parse((await runCommand(["models", "--all", "--json"], at(server, folder))).stdout.toString()) as {
      cached: { id: string; role: string; bytes: number; refs: string[]; missing: string[] }[];
    };
    assert.deepEqual(
      all.cached.map(({ id, role, refs, missing }) => ({ id, role, refs, missing })),
      [
        { id: ID, role: "embedding", refs: ["main"], missing: [] },
        { id: "google/bert", role: "unknown", refs: [], missing: ["model.safetensors"] },
      ],
    );
    rmSync(join(folder.path, SNAPSHOT, "model.safetensors"));
    const lacking = await runCommand(["models"], at(server, folder));
    assert.match(lacking.stdout.toString(), /incomplete: qwen3 pull Qwen\/Qwen3-Embedding-0\.6B/);
  });

  it("is content with no cache at all", async () => {
    using folder = new TemporaryFolder();
    const { code, stdout } = await runCommand(["models", "--cache-dir", folder.file("none"), "--json"]);
    assert.equal(code, 0);
    assert.deepEqual((JSON.parse(stdout.toString()) as { cached: unknown }).cached, []);
  });
});
