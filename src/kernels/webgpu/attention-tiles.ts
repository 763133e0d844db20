import { Qwen3Error } from "../../core/errors.ts";
import type { Segment } from "../backend.ts";
import type { KeyParts, SegmentParts } from "./attention-parts.ts";
import type { RowChunk } from "./row-chunks.ts";

/** The shader's struct `Tile`. */
export interface AttentionTile {
  readonly queryStart: number;
  readonly queries: number;
  readonly keyStart: number;
  /** Keys after the prefix that the first query row sees; the next one sees one more. */
  readonly ownKeys: number;
  readonly prefixStart: number;
  readonly prefixLength: number;
  /** Of the keys that its query rows see, those from here to before `endKey` are this tile's. */
  readonly firstKey: number;
  readonly endKey: number;
  /** First row of results. */
  readonly outStart: number;
}

/** Words of the shader's struct. */
const TILE_WORDS = 9;
const ALL_KEYS = 0xffffffff;

/** Tiles that share their bindings. */
export interface TileGroup {
  readonly queryRows: RowChunk;
  readonly keyRows: RowChunk;
  readonly count: number;
  /** Tiles with rows counted from the bindings' starts, longest first. */
  readonly words: Uint32Array;
}

export interface TileOptions {
  readonly queriesPerTile: number;
  readonly queryRows: number;
  readonly keyRows: number;
  /** Rows that one binding may hold. */
  readonly mostQueryRows: number;
  readonly mostKeyRows: number;
  /** Bindings begin at multiples of it. */
  readonly alignedRows: number;
  /** How keys are cut, where all rows fit one binding. @default not at all */
  readonly parts?: KeyParts | undefined;
}

/** Cuts segments into tiles, and the tiles into groups whose queries and keys fit the bindings: nearly always one. */
export function groupTiles(segments: readonly Segment[], options: TileOptions): TileGroup[] {
  const tiles = segments.flatMap((segment, i) => {
    const whole = tilesOf(segment, options.queriesPerTile);
    const parts = options.parts?.segments[i];
    return parts ? whole.flatMap((tile) => partsOf(tile, segment, parts)) : whole;
  });
  const { queryRows, keyRows, mostQueryRows, mostKeyRows } = options;
  if (queryRows <= mostQueryRows && keyRows <= mostKeyRows) {
    return [pack(tiles, { start: 0, count: queryRows }, { start: 0, count: keyRows })];
  }
  return splitGroups(tiles, options);
}

function tilesOf(segment: Segment, queriesPerTile: number): AttentionTile[] {
  const { queryStart, queryLength, keyStart, keyLength, prefixStart, prefixLength } = segment;
  return Array.from({ length: Math.ceil(queryLength / queriesPerTile) }, (_, i) => {
    const first = i * queriesPerTile;
    return {
      queryStart: queryStart + first,
      queries: Math.min(queriesPerTile, queryLength - first),
      keyStart,
      ownKeys: keyLength - queryLength + first + 1,
      prefixStart,
      prefixLength,
      firstKey: 0,
      endKey: ALL_KEYS,
      outStart: queryStart + first,
    };
  });
}

function partsOf(
  tile: AttentionTile,
  { queryStart, queryLength }: Segment,
  { count, keys, firstRow }: SegmentParts,
): AttentionTile[] {
  return Array.from({ length: count }, (_, part) => ({
    ...tile,
    firstKey: part * keys,
    endKey: (part + 1) * keys,
    outStart: firstRow + part * queryLength + tile.queryStart - queryStart,
  }));
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Rows of queries and keys that some tiles touch. */
interface Reach {
  readonly queries: Span;
  readonly keys: Span;
}

function splitGroups(tiles: readonly AttentionTile[], options: TileOptions): TileGroup[] {
  const groups: TileGroup[] = [];
  let group: AttentionTile[] = [];
  let reach: Reach | undefined;
  const close = (): void => {
    if (reach) groups.push(pack(group, chunkOf(reach.queries), chunkOf(reach.keys)));
  };
  for (const tile of tiles) {
    const own = reachOf(tile, options.alignedRows);
    const joined = reach ? { queries: join(reach.queries, own.queries), keys: join(reach.keys, own.keys) } : own;
    if (fits(joined, options)) {
      group.push(tile);
      reach = joined;
      continue;
    }
    close();
    if (!fits(own, options)) throw tooLarge(own, options);
    group = [tile];
    reach = own;
  }
  close();
  return groups;
}

function reachOf(tile: AttentionTile, aligned: number): Reach {
  const align = (row: number): number => Math.floor(row / aligned) * aligned;
  const { queryStart, queries, keyStart, ownKeys, prefixStart, prefixLength } = tile;
  const own = { start: align(keyStart), end: keyStart + ownKeys + queries - 1 };
  const prefix = { start: align(prefixStart), end: prefixStart + prefixLength };
  return {
    queries: { start: align(queryStart), end: queryStart + queries },
    keys: prefixLength > 0 ? join(own, prefix) : own,
  };
}

function join(a: Span, b: Span): Span {
  return { start: Math.min(a.start, b.start), end: Math.max(a.end, b.end) };
}

function chunkOf({ start, end }: Span): RowChunk {
  return { start, count: end - start };
}

function fits({ queries, keys }: Reach, { mostQueryRows, mostKeyRows }: TileOptions): boolean {
  return queries.end - queries.start <= mostQueryRows && keys.end - keys.start <= mostKeyRows;
}

function tooLarge({ keys }: Reach, { mostKeyRows }: TileOptions): Qwen3Error {
  return new Qwen3Error(
    "too-large",
    `a text attends to ${keys.end - keys.start} rows of keys, this adapter's bindings hold ${mostKeyRows}; ` +
      `shorten the text, or choose another adapter or the device 'wasm'`,
  );
}

/** Longest first, so that the last workgroups to start are the shortest. */
function pack(tiles: readonly AttentionTile[], queryRows: RowChunk, keyRows: RowChunk): TileGroup {
  const work = ({ queries, ownKeys, prefixLength, firstKey, endKey }: AttentionTile): number =>
    Math.min(endKey, prefixLength + ownKeys + queries) - firstKey;
  const ordered = [...tiles].sort((a, b) => work(b) - work(a));
  const words = new Uint32Array(TILE_WORDS * tiles.length);
  for (const [i, tile] of ordered.entries()) {
    const { prefixStart, prefixLength } = tile;
    words[TILE_WORDS * i] = tile.queryStart - queryRows.start;
    words[TILE_WORDS * i + 1] = tile.queries;
    words[TILE_WORDS * i + 2] = tile.keyStart - keyRows.start;
    words[TILE_WORDS * i + 3] = tile.ownKeys;
    words[TILE_WORDS * i + 4] = prefixLength > 0 ? prefixStart - keyRows.start : 0;
    words[TILE_WORDS * i + 5] = prefixLength;
    words[TILE_WORDS * i + 6] = tile.firstKey;
    words[TILE_WORDS * i + 7] = tile.endKey;
    words[TILE_WORDS * i + 8] = tile.outStart - queryRows.start;
  }
  return { queryRows, keyRows, count: tiles.length, words };
}
