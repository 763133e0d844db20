/** A file of a model on a hub, with what is needed to check what arrives. */
export interface RemoteFile {
  readonly path: string;
  readonly size: number;
  /** Hexadecimal: sha256 of the content (64 digits), or git's own hash of it (40). Names the blob in the cache. */
  readonly hash: string;
}

export interface RemoteCommit {
  /** 40 hexadecimal digits. */
  readonly commit: string;
  readonly files: readonly RemoteFile[];
}

/** One model on one hub. */
export interface RemoteHub {
  /** What the revision is right now. */
  list(): Promise<RemoteCommit>;
  /** A file's bytes from a position on. Throws a HubError where the way to the hub breaks. */
  read(commit: string, file: RemoteFile, from: number): AsyncIterable<Uint8Array>;
}
