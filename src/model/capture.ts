import { Qwen3Error } from "../core/errors.ts";
import type { Activation, Recording } from "../kernels/backend.ts";
import type { DecoderObserver } from "./decoder-observer.ts";
import type { Captured } from "./captured.ts";
import { LAYER_CAPTURES, type LayerCapture, type LayerScene } from "./layer-captures.ts";
import { nearest } from "./nearest.ts";
import { whole } from "./tensor-views.ts";
import type { Tensor } from "./tensor.ts";

type Place = { readonly at: "embed_tokens" | "norm" } | { readonly at: number; readonly capture: LayerCapture };

/** Watches a decoder run and collects the intermediates named by module paths. */
export class Capture implements DecoderObserver {
  readonly #places: ReadonlyMap<string, Place>;
  readonly #captured = new Map<string, Captured>();

  /**
   * @param paths transformers' module paths, such as `layers.3.self_attn.q_norm`; a leading `model.` is accepted
   * @throws Qwen3Error `not-found` for an unknown path, naming the nearest ones
   */
  constructor(paths: readonly string[], numHiddenLayers: number) {
    this.#places = new Map(paths.map((path) => [path, findPlace(path, numHiddenLayers)]));
  }

  embedded(x: Activation): void {
    this.#take("embed_tokens", () => whole(x));
  }

  layer(n: number, scene: LayerScene): void {
    this.#take(n, (place) => ("capture" in place ? place.capture(scene) : undefined));
  }

  normed(x: Activation): void {
    this.#take("norm", () => whole(x));
  }

  /** Ends the recording: the activations given, and everything captured under the paths as they were asked for. */
  async read(recording: Recording, ...others: readonly Activation[]): Promise<[Float32Array[], Map<string, Tensor>]> {
    const entries = [...this.#captured];
    const data = await recording.read(...others, ...entries.flatMap(([, { sources }]) => sources));
    let next = others.length;
    const tensors = entries.map(([path, { sources, toTensor }]): [string, Tensor] => {
      next += sources.length;
      return [path, toTensor(data.slice(next - sources.length, next))];
    });
    return [data.slice(0, others.length), new Map(tensors)];
  }

  #take(at: Place["at"], capture: (place: Place) => Captured | undefined): void {
    for (const [path, place] of this.#places) {
      const captured = place.at === at ? capture(place) : undefined;
      if (captured) this.#captured.set(path, captured);
    }
  }
}

/** Every path that can be captured. */
export function capturePaths(numHiddenLayers: number): string[] {
  const layers = Array.from({ length: numHiddenLayers }, (_, n) => {
    return [...LAYER_CAPTURES.keys()].map((relative) => (relative === "" ? `layers.${n}` : `layers.${n}.${relative}`));
  });
  return ["embed_tokens", ...layers.flat(), "norm"];
}

function findPlace(path: string, numHiddenLayers: number): Place {
  const bare = path.replace(/^model\./, "");
  if (bare === "embed_tokens" || bare === "norm") return { at: bare };
  const [, digits = "", relative = ""] = /^layers\.(\d+)(?:\.(.+))?$/.exec(bare) ?? [];
  const capture = LAYER_CAPTURES.get(relative);
  if (digits !== "" && Number(digits) < numHiddenLayers && capture) return { at: Number(digits), capture };
  const near = nearest(bare, capturePaths(numHiddenLayers)).join(", ");
  throw new Qwen3Error(
    "not-found",
    `no module '${path}' in a model of ${numHiddenLayers} layers; the nearest are ${near}`,
  );
}
