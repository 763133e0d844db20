/** How far a download is, in bytes. `completed` reaches `total` exactly once, at the end. */
export interface DownloadProgress {
  readonly stage: "download";
  readonly completed: number;
  readonly total: number;
  readonly unit: "bytes";
  /** The file that moved. */
  readonly file: { readonly path: string; readonly completed: number; readonly total: number };
}

/** Adds up files that are fetched at the same time. */
export class ProgressSum {
  readonly #report: ((progress: DownloadProgress) => void) | undefined;
  readonly #total: number;
  readonly #completed = new Map<string, number>();
  #sum = 0;

  constructor(files: readonly { readonly size: number }[], report: ((progress: DownloadProgress) => void) | undefined) {
    this.#report = report;
    this.#total = files.reduce((sum, { size }) => sum + size, 0);
  }

  update({ path, size }: { readonly path: string; readonly size: number }, completed: number): void {
    const before = this.#completed.get(path) ?? 0;
    if (completed === before) return;
    this.#completed.set(path, completed);
    this.#sum += completed - before;
    const file = { path, completed, total: size };
    this.#report?.({ stage: "download", completed: this.#sum, total: this.#total, unit: "bytes", file });
  }
}
