import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { Page } from "puppeteer-core";
import { startBrowser } from "./browser.ts";
import { bundledModels, startServer } from "./running-server.ts";

const models = await bundledModels();
const { url } = await startServer(models);
const browser = await startBrowser();
after(() => browser.close());

/** A new page, and what it complained of. */
async function visit(address: string): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(url)) complaints.push(`asked for ${request.url()}`);
  });
  await page.setViewport({ width: 1100, height: 900 });
  await page.goto(address, { waitUntil: "networkidle0" });
  return { page, complaints };
}

const text = (page: Page, selector: string): Promise<string> =>
  page.$eval(selector, (element) => element.textContent ?? "");

async function submit(page: Page, form: string): Promise<string> {
  await page.click(`#${form} button`);
  await page.waitForFunction(`!["", "…"].includes(document.getElementById("${form}-status").textContent)`);
  return await text(page, `#${form}-status`);
}

describe("the page in a browser", () => {
  it("embeds, compares and ranks", async () => {
    const { page, complaints } = await visit(`${url}/`);
    assert.match(await text(page, "#about"), /qwen3-embedding-tiny/);
    assert.match(await submit(page, "compare"), /^6 vectors of 192 numbers, \d+ tokens in \d+ ms$/);
    const cells = await page.$$eval("#heat-map td", (all) => all.map((cell) => Number(cell.textContent)));
    assert.equal(cells.length, 36);
    for (let i = 0; i < 6; i++) assert.equal(cells[7 * i], 1);
    assert.equal(await page.$$eval("#map circle", ({ length }) => length), 6);
    assert.match(await submit(page, "rerank"), /tokens in/);
    assert.match(await text(page, "#ranks li"), /The capital of China is Beijing\.$/);
    const { QWEN3_SCREENSHOT: screenshot } = process.env;
    if (screenshot !== undefined) await page.screenshot({ path: screenshot, fullPage: true });
    assert.deepEqual(complaints, []);
  });

  it("shows the server's message if it refuses, and texts as texts", async () => {
    const { page } = await visit(`${url}/ui`);
    await page.type("#prompt", "nonsense");
    assert.match(await submit(page, "compare"), /`default-prompt-name` is set to `nonsense`/);
    await page.$eval("#prompt", (input) => ((input as unknown as { value: string }).value = ""));
    await page.$eval(
      "#texts",
      (area) => ((area as unknown as { value: string }).value = "<b>bold</b>\n<script>x</script>"),
    );
    await page.evaluate('document.getElementById("compare-status").textContent = ""');
    assert.match(await submit(page, "compare"), /^2 vectors/);
    assert.equal(await text(page, "#heat-map th"), "<b>bold</b>");
    assert.equal(await page.$("#heat-map b, #heat-map script"), null);
  });

  it("has a readable description of the API", async () => {
    const { page, complaints } = await visit(`${url}/docs`);
    assert.match(await text(page, "body"), /POST \/embed/);
    assert.equal(
      await page.$eval("#EmbedRequest + pre", (element) => JSON.parse(element.textContent ?? "").type),
      "object",
    );
    assert.deepEqual(complaints, []);
  });
});

describe("the documents without a browser", () => {
  it("answer / by what is asked for", async () => {
    const type = async (accept?: string): Promise<string | null> =>
      (await fetch(`${url}/`, { headers: accept === undefined ? {} : { accept } })).headers.get("content-type");
    assert.equal(await type(), null);
    assert.equal(await type("*/*"), null);
    assert.match((await type("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")) ?? "", /^text\/html/);
  });

  it("may load nothing from elsewhere", async () => {
    const policy = (await fetch(`${url}/ui`)).headers.get("content-security-policy") ?? "";
    assert.match(policy, /^default-src 'none'; script-src 'self';/);
  });

  it("are a whole OpenAPI document: every reference leads somewhere", async () => {
    const document = (await (await fetch(`${url}/api-doc/openapi.json`)).json()) as {
      openapi: string;
      paths: Record<string, Record<string, unknown>>;
      components: { schemas: Record<string, unknown> };
    };
    assert.equal(document.openapi, "3.1.0");
    const references = Array.from(
      JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g),
      ([, name = ""]) => name,
    );
    assert.ok(references.length > 20);
    for (const name of references) assert.ok(name in document.components.schemas, name);
    for (const path of ["/embed", "/embed_all", "/embed_sparse", "/similarity", "/rerank", "/predict", "/tokenize"])
      assert.ok(document.paths[path]?.["post"], path);
    for (const path of ["/v1/embeddings", "/v1/rerank", "/score", "/api/embed", "/vertex", "/", "/decode"])
      assert.ok(document.paths[path]?.["post"], path);
    for (const path of ["/info", "/health", "/metrics", "/v1/models"]) assert.ok(document.paths[path]?.["get"], path);
  });
});
