import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Checkpoint } from "../../../src/weights/checkpoint.ts";
import { resolveModel } from "../../../src/weights/index.ts";
import { temporaryFolder } from "../fixtures.ts";
import { COMMIT, embeddingRepo, ID } from "./hub-repos.ts";
import { type Files, sendBytes, sendError, sendJson, sha256 } from "./hub-server.ts";

const original = { ...process.env };
after(() => {
  process.env = original;
});

interface ModelScopeServer extends AsyncDisposable {
  readonly url: string;
  readonly asked: string[];
}

async function listen(handle: RequestListener): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** ModelScope's list of files, and its downloads. */
async function modelScopeServer(files: Files): Promise<ModelScopeServer> {
  const asked: string[] = [];
  const blobs = Array.from(files, ([path, content]) => {
    return {
      Type: "blob",
      Path: path,
      Name: path.split("/").at(-1),
      Size: content.byteLength,
      Sha256: sha256(content),
    };
  });
  const folder = { Type: "tree", Path: "1_Pooling", Size: 0, Sha256: "" };
  const server = await listen(({ url = "", headers }, response) => {
    asked.push(`${url} ${headers.authorization}`);
    const { pathname, searchParams } = new URL(url, "http://x");
    if (pathname === `/api/v1/models/${ID}/repo/files` && searchParams.get("Revision") === "master") {
      return sendJson(response, { Code: 200, Data: { Files: [folder, ...blobs] } });
    }
    const content = files.get(pathname.replace(`/models/${ID}/resolve/master/`, ""));
    if (!content) return sendError(response, 404, "", "not found");
    sendBytes({ method: "GET", range: headers.range }, response, content, sha256(content));
  });
  return { ...server, asked };
}

describe("ModelScope", () => {
  it("is a second source of models, by prefix or by QWEN3_HUB, with a cache of its own", async () => {
    await using home = await temporaryFolder();
    await using server = await modelScopeServer(embeddingRepo().commits.get(COMMIT) ?? new Map());
    process.env = { HOME: home.path, MODELSCOPE_ENDPOINT: server.url, MODELSCOPE_API_TOKEN: "ms-token" };
    const model = await resolveModel(`modelscope:${ID}`);
    assert.equal(
      model.folder,
      join(
        home.path,
        ".cache/modelscope/qwen3-ts/modelscope--Qwen--Qwen3-Embedding-0.6B/snapshots",
        model.commit ?? "",
      ),
    );
    assert.deepEqual(
      { ...model, folder: "", commit: "" },
      { folder: "", origin: "modelscope", name: ID, revision: "master", commit: "" },
    );
    await using checkpoint = await Checkpoint.open(model.folder);
    assert.equal(checkpoint.name, ID);
    assert.equal(checkpoint.tensors.size, 46);
    assert.ok(server.asked.every((request) => request.endsWith("Bearer ms-token") && !request.includes("onnx")));
    const before = server.asked.length;
    process.env["QWEN3_HUB"] = "modelscope";
    assert.deepEqual(await resolveModel(ID), model);
    assert.equal(server.asked.length, before, "it is cached");
    await assert.rejects(resolveModel(ID, { revision: "v2" }), {
      code: "not-found",
      message: /\(404\); is 'Qwen\/.*spelled right/,
    });
  });

  it("is refused where something else answers", async () => {
    await using home = await temporaryFolder();
    await using server = await modelScopeServer(new Map([["config.json", Buffer.from("{}")]]));
    process.env = { HOME: home.path, MODELSCOPE_ENDPOINT: server.url };
    await assert.rejects(resolveModel(`modelscope:${ID}`), {
      code: "unsupported",
      message: /holds neither model\.safetensors/,
    });
    await using other = await listen((_, response) => sendJson(response, []));
    process.env["MODELSCOPE_ENDPOINT"] = other.url;
    await assert.rejects(resolveModel(`modelscope:${ID}`), {
      code: "network",
      message: /does not answer as ModelScope does; is MODELSCOPE_ENDPOINT right\?/,
    });
  });

  it("names its own variables in what it advises", async () => {
    await using home = await temporaryFolder();
    await using server = await listen((_, response) => response.setHeader("Content-Type", "text/html").end("<html>"));
    process.env = { HOME: home.path, MODELSCOPE_ENDPOINT: server.url };
    await assert.rejects(resolveModel(`modelscope:${ID}`), {
      message: /web page \(200\).* or set MODELSCOPE_ENDPOINT to a mirror/,
    });
    await using closed = await listen((_, response) => sendError(response, 401, "", "who?"));
    process.env["MODELSCOPE_ENDPOINT"] = closed.url;
    await assert.rejects(resolveModel(`modelscope:${ID}`), {
      message: /it is private: set MODELSCOPE_API_TOKEN to a token/,
    });
  });
});
