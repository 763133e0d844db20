import { Qwen3Error } from "../core/errors.ts";

export type Json = Readonly<Record<string, unknown>>;

/** A component of tokenizer.json and where it stands. */
export interface Component {
  readonly component: Json;
  readonly where: string;
}

/** Ids are kept in 32-bit arrays; no vocabulary comes near. */
const MAX_ID = 2 ** 21 - 1;

/** A token id. */
export function isId(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_ID;
}

/** Says what is wrong in a tokenizer.json, and where. */
export class JsonCheck {
  readonly source: string;

  /** @param source the file, for messages */
  constructor(source: string) {
    this.source = source;
  }

  /** A component, the members of a Sequence, or nothing. */
  flatten(value: unknown, where: string, members: string): Component[] {
    if (value === undefined || value === null) return [];
    const component = this.object(value, where);
    if (component["type"] !== "Sequence") return [{ component, where }];
    return this.array(component[members], `${where}.${members}`).map((member, index) => {
      const place = `${where}.${members}[${index}]`;
      return { component: this.object(member, place), where: place };
    });
  }

  /** Demands of a component a value without which the ids would silently be others. */
  expect({ component, where }: Component, field: string, expected: unknown): void {
    const got = component[field];
    if (got !== expected) throw this.unsupported(`${where}.${field}`, got, JSON.stringify(expected));
  }

  object(value: unknown, where: string): Json {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw this.invalid(where, value, "an object");
    }
    return value as Json;
  }

  array(value: unknown, where: string): readonly unknown[] {
    if (!Array.isArray(value)) throw this.invalid(where, value, "an array");
    return value as readonly unknown[];
  }

  id(value: unknown, where: string): number {
    if (!isId(value)) throw this.invalid(where, value, "an integer from 0 on");
    return value;
  }

  invalid(where: string, got: unknown, expected: string): Qwen3Error {
    return new Qwen3Error("invalid-checkpoint", `${this.source}: ${where} is ${show(got)}, expected ${expected}`);
  }

  unsupported(where: string, got: unknown, supported: string): Qwen3Error {
    return new Qwen3Error("unsupported", `${this.source}: ${where} is ${show(got)}; supported is ${supported}`);
  }
}

const LONGEST_SHOWN = 300;

function show(value: unknown): string {
  if (value === undefined) return "missing";
  try {
    const text = JSON.stringify(value);
    return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
  } catch {
    return "something nested too deeply to be shown";
  }
}
