import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type ChatMessage, ChatTemplate } from "../../../src/model/generation/chat-template.ts";
import { ModelFolder } from "../../../src/weights/index.ts";
import { fixture, fixtureJson } from "../../support/fixtures.ts";
import { loadQwen3 } from "../../tokenizer/goldens.ts";
import { temporaryFolder } from "../../weights/fixtures.ts";

interface Conversation {
  readonly name: string;
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly unknown[] | null;
  readonly options: { readonly add_generation_prompt?: boolean; readonly enable_thinking?: boolean };
  readonly rendered: string;
  readonly ids: readonly number[];
}

describe("ChatTemplate", () => {
  const conversations = fixtureJson<readonly Conversation[]>("goldens/chat/conversations.json");

  it("renders every conversation as transformers does, to the same ids", async () => {
    const template = await ChatTemplate.read(new ModelFolder(fixture("goldens/chat")));
    const tokenizer = loadQwen3("base");
    assert.ok(conversations.length >= 16);
    for (const { name, messages, tools, options, rendered, ids } of conversations) {
      const text = await template?.render(messages, {
        tools: tools ?? undefined,
        addGenerationPrompt: options.add_generation_prompt ?? false,
        enableThinking: options.enable_thinking,
      });
      assert.equal(text, rendered, name);
      assert.deepEqual([...tokenizer.encode(rendered, { addSpecialTokens: false }).ids], ids, name);
    }
  });

  async function withConfig(config: object, use: (template: ChatTemplate | undefined) => Promise<void>): Promise<void> {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "tokenizer_config.json"), JSON.stringify(config));
    await use(await ChatTemplate.read(new ModelFolder(folder.path)));
  }
  const messages = [{ role: "user", content: "hi" }];

  it("is read from tokenizer_config.json, one or several by name, with special tokens", async () => {
    const one = "{{ bos_token }}{{ eos_token }}{{ messages[0].content }}";
    const tokens = { bos_token: null, eos_token: { content: "<e>" } };
    await withConfig({ chat_template: one, ...tokens }, async (template) => {
      assert.equal(await template?.render(messages), "<e>hi");
    });
    const named = [
      { name: "default", template: "plain" },
      { name: "tool_use", template: "tools" },
    ];
    await withConfig({ chat_template: named }, async (template) => {
      assert.equal(await template?.render(messages), "plain");
      assert.equal(await template?.render(messages, { tools: [{}] }), "tools");
    });
    await withConfig({}, async (template) => assert.equal(template, undefined));
  });

  it("passes on the template's own refusal", async () => {
    await withConfig({ chat_template: "{{ raise_exception('no such role') }}" }, async (template) => {
      await assert.rejects(async () => template?.render(messages), {
        name: "Qwen3Error",
        code: "invalid-argument",
        message: /the chat template cannot render these messages: .*no such role/,
      });
    });
  });
});
