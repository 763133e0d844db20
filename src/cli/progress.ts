import type { SingleBar } from "cli-progress";
import type { OnProgress, Progress } from "../model/progress.ts";
import type { Context } from "./context.ts";
import type { CommonOptions } from "./options.ts";
import { formatBytes, formatCount } from "./terminal.ts";

/** What is over sooner than this needs no bar. */
const DELAY_MS = 400;

const LABELS: Readonly<Record<Progress["stage"], string>> = {
  download: "downloading",
  load: "loading",
  encode: "embedding",
  rerank: "reranking",
};

/** A bar on stderr, one stage after another; nothing where stderr is no terminal, or with `--quiet`. */
export class ProgressBars implements Disposable {
  readonly #createBar: (() => SingleBar) | undefined;
  #stage: { readonly name: string; readonly since: number; bar?: SingleBar } | undefined;

  private constructor(createBar: (() => SingleBar) | undefined) {
    this.#createBar = createBar;
  }

  static async create({ stderr }: Context, { quiet }: CommonOptions): Promise<ProgressBars> {
    if (!stderr.isTTY || quiet === true) return new ProgressBars(undefined);
    try {
      const { Format, Presets, SingleBar } = (await import("cli-progress")).default;
      const format: typeof Format.Formatter = (options, params, payload: Payload) => {
        const { percentage, amount } = describe(payload);
        return `${payload.label} ${Format.BarFormat(params.progress, options)} ${percentage}  ${amount}`;
      };
      const options = { format, stream: stderr, clearOnComplete: true, hideCursor: null, barsize: 30 };
      return new ProgressBars(() => new SingleBar(options, Presets.shades_classic));
    } catch {
      return new ProgressBars(undefined); // left out at installation; the work does not depend on it
    }
  }

  readonly onProgress: OnProgress = (progress) => {
    if (this.#createBar === undefined) return;
    if (this.#stage?.name !== progress.stage) {
      this.stop();
      this.#stage = { name: progress.stage, since: performance.now() };
    }
    const { completed, total } = progress;
    const payload = { label: LABELS[progress.stage], ...progress };
    if (this.#stage?.bar === undefined && performance.now() - (this.#stage?.since ?? 0) > DELAY_MS) {
      this.#stage = { name: progress.stage, since: 0, bar: this.#createBar() };
      this.#stage.bar?.start(total, completed, payload);
    }
    this.#stage?.bar?.update(completed, payload);
    if (completed >= total) this.stop();
  };

  stop(): void {
    this.#stage?.bar?.stop();
    this.#stage = undefined;
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}

interface Payload extends Progress {
  readonly label: string;
}

function describe({ completed, total, unit }: Payload): { percentage: string; amount: string } {
  const format = unit === "bytes" ? formatBytes : formatCount;
  const percentage = `${Math.floor((100 * completed) / Math.max(1, total))}%`.padStart(4);
  return { percentage, amount: `${format(completed)} / ${format(total)}${unit === "bytes" ? "" : ` ${unit}`}` };
}
