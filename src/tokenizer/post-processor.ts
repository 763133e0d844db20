import type { Component, JsonCheck } from "./json-check.ts";

/** Ids that the post-processor puts before and behind every text. */
export interface Template {
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
}

/** ByteLevel, TemplateProcessing for single texts, or both in a Sequence. */
export function readPostProcessor(value: unknown, check: JsonCheck): Template {
  let template: Template | undefined;
  for (const step of check.flatten(value, "post_processor", "processors")) {
    if (step.component["type"] === "ByteLevel") {
      check.expect(step, "trim_offsets", false);
      continue;
    }
    check.expect(step, "type", "TemplateProcessing");
    if (template !== undefined) throw check.unsupported(step.where, "a second template", "one at most");
    template = readTemplate(step, check);
  }
  return template ?? { prefix: [], suffix: [] };
}

function readTemplate(step: Component, check: JsonCheck): Template {
  const where = `${step.where}.single`;
  const prefix: number[] = [];
  const suffix: number[] = [];
  let sequences = 0;
  for (const [index, entry] of check.array(step.component["single"], where).entries()) {
    const place = `${where}[${index}]`;
    const part = check.object(entry, place);
    if (part["Sequence"] === undefined) {
      const { id: name } = check.object(part["SpecialToken"], `${place}.SpecialToken`);
      (sequences === 0 ? prefix : suffix).push(...specialIds(step, name, check));
    } else {
      sequences++;
      const component = check.object(part["Sequence"], `${place}.Sequence`);
      check.expect({ component, where: `${place}.Sequence` }, "id", "A");
    }
  }
  if (sequences !== 1) throw check.unsupported(where, step.component["single"], "exactly one Sequence");
  return { prefix, suffix };
}

function specialIds({ component, where }: Component, name: unknown, check: JsonCheck): number[] {
  const place = `${where}.special_tokens[${JSON.stringify(name)}]`;
  const tokens = check.object(component["special_tokens"], `${where}.special_tokens`);
  const { ids } = check.object(tokens[String(name)], place);
  return check.array(ids, `${place}.ids`).map((id) => check.id(id, `${place}.ids`));
}
