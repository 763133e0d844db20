// Ragged causal attention without a score matrix. One workgroup answers a few consecutive query rows of one sequence for
// all query heads that share one key/value head, and walks over the keys they see, a tile at a time, keeping the
// running maximum and sum of the softmax. The host builds the list of tiles, longest first.
//
// Few query rows over many keys are cut along the keys too, into parts that attention-merge.wgsl brings together.
//
//   q [Q, H·D], k, v [K, KV·D] f32 → out [Q, H·D]; or, of parts, [.., H·D + H vec4s of maximum and sum]
//
// A workgroup has 128 threads as 8 × 16. Its ROWS lines are (query row, head of the group) pairs. For the scores
// thread (y, x) owns ROWS/8 lines × key x of the tile; for the output the same lines × every 16th vec4 column.

/// D
override headDim: u32 = 128u;
/// H / KV
override headsPerKv: u32 = 2u;
/// 1 if this computes parts
override parts: u32 = 0u;
/// Lines per workgroup: a multiple of 8.
const ROWS: u32 = 32u;
/// vec4 columns of the output per thread: ceil(D / 64).
const COLUMNS: u32 = 2u;

struct Params {
  qStride: u32,      // between rows of q, in vec4s
  kvStride: u32,     // between rows of k and v, in vec4s
  outStride: u32,    // between rows of out, in vec4s
  scale: f32,        // D^-1/2
  firstTile: u32,
}

/// Query rows of one sequence and what they see: prefixLength keys from prefixStart, then keys from keyStart, the first
/// query row `ownKeys` of them, the next one more. Of these keys, the ones from firstKey to before endKey are this tile's.
struct Tile {
  queryStart: u32,
  queries: u32,
  keyStart: u32,
  ownKeys: u32,
  prefixStart: u32,
  prefixLength: u32,
  firstKey: u32,
  endKey: u32,
  outStart: u32,
}

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read> tiles: array<Tile>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;

const KEYS = 16u;
const LINES = ROWS / 8u;
/// Below every score, yet finite: WGSL may assume that infinities do not occur.
const MASKED = -1e30;
/// Below every sum of a line that saw a key; a part's lines may see none.
const LEAST = 1e-30;

override quads = headDim / 4u;
// One vec4 of padding between lines keeps threads of a column off one memory bank.
override line = quads + 1u;
var<workgroup> queryTile: array<vec4f, ROWS * line>;
/// Keys, then values.
var<workgroup> keyTile: array<vec4f, KEYS * line>;
/// Scalars: threads may not write different components of one vector.
var<workgroup> scores: array<array<f32, KEYS>, ROWS>;

@compute @workgroup_size(16, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) thread: u32) {
  let tile = tiles[params.firstTile + group.x];
  let kvHead = group.y;
  let keys = min(tile.endKey, tile.prefixLength + tile.ownKeys + tile.queries - 1u); // that the last query row sees
  let firstLine = local.y * LINES;
  loadQueries(tile, kvHead, thread);

  var largest = array<f32, LINES>();
  var total = array<f32, LINES>();
  var mixed = array<vec4f, LINES * COLUMNS>();
  for (var i = 0u; i < LINES; i++) { largest[i] = MASKED; }

  for (var start = tile.firstKey; start < keys; start += KEYS) {
    for (var i = thread; i < KEYS * quads; i += 128u) {
      let row = keyRow(tile, min(start + i / quads, keys - 1u));
      keyTile[i / quads * line + i % quads] = k[row * params.kvStride + kvHead * quads + i % quads];
    }
    workgroupBarrier();

    var score = array<f32, LINES>(); // Tint zeroes a variable without a value once, not each time round
    for (var d = 0u; d < quads; d++) {
      let key = keyTile[local.x * line + d];
      for (var i = 0u; i < LINES; i++) { score[i] += dot(queryTile[(firstLine + i) * line + d], key); }
    }
    for (var i = 0u; i < LINES; i++) {
      let seen = tile.prefixLength + tile.ownKeys + (firstLine + i) / headsPerKv;
      score[i] = select(MASKED, score[i], start + local.x < min(seen, keys));
      scores[firstLine + i][local.x] = score[i];
    }
    workgroupBarrier();

    var rescale = array<f32, LINES>();
    for (var i = 0u; i < LINES; i++) {
      var next = largest[i];
      for (var key = 0u; key < KEYS; key++) { next = max(next, scores[firstLine + i][key]); }
      rescale[i] = exp(largest[i] - next);
      largest[i] = next;
      score[i] = exp(score[i] - next); // 0 where masked, once a key was seen
    }
    workgroupBarrier();
    for (var i = 0u; i < LINES; i++) { scores[firstLine + i][local.x] = score[i]; }
    for (var i = thread; i < KEYS * quads; i += 128u) {
      let row = keyRow(tile, min(start + i / quads, keys - 1u));
      keyTile[i / quads * line + i % quads] = v[row * params.kvStride + kvHead * quads + i % quads];
    }
    workgroupBarrier();

    for (var i = 0u; i < LINES; i++) {
      total[i] *= rescale[i];
      for (var c = 0u; c < COLUMNS; c++) { mixed[i * COLUMNS + c] *= rescale[i]; }
    }
    let used = min(KEYS, keys - start); // the weights of keys past the end are zero
    for (var key = 0u; key < used; key += 4u) {
      var weights = array<vec4f, LINES>();
      for (var i = 0u; i < LINES; i++) {
        let line = &scores[firstLine + i];
        weights[i] = vec4f((*line)[key], (*line)[key + 1u], (*line)[key + 2u], (*line)[key + 3u]);
        total[i] += weights[i].x + weights[i].y + weights[i].z + weights[i].w;
      }
      for (var c = 0u; c < COLUMNS; c++) {
        let column = min(local.x + 16u * c, quads - 1u);
        for (var j = 0u; j < 4u; j++) {
          let value = keyTile[(key + j) * line + column];
          for (var i = 0u; i < LINES; i++) { mixed[i * COLUMNS + c] += weights[i][j] * value; }
        }
      }
    }
    workgroupBarrier();
  }

  for (var i = 0u; i < LINES; i++) {
    let query = (firstLine + i) / headsPerKv;
    if (query >= tile.queries) { continue; }
    let head = kvHead * headsPerKv + (firstLine + i) % headsPerKv;
    let row = (tile.outStart + query) * params.outStride;
    for (var c = 0u; c < COLUMNS; c++) {
      let column = local.x + 16u * c;
      if (column < quads) { out[row + head * quads + column] = mixed[i * COLUMNS + c] / max(total[i], LEAST); }
    }
    if (parts == 1u && local.x == 0u) {
      out[row + groups.y * headsPerKv * quads + head] = vec4f(largest[i], total[i], 0.0, 0.0);
    }
  }
}

/// Queries, scaled; lines past the last query row repeat it.
fn loadQueries(tile: Tile, kvHead: u32, thread: u32) {
  for (var i = thread; i < ROWS * quads; i += 128u) {
    let query = min(i / quads / headsPerKv, tile.queries - 1u);
    let head = kvHead * headsPerKv + i / quads % headsPerKv;
    let at = (tile.queryStart + query) * params.qStride + head * quads + i % quads;
    queryTile[i / quads * line + i % quads] = q[at] * params.scale;
  }
}

fn keyRow(tile: Tile, key: u32) -> u32 {
  return select(tile.keyStart + key - tile.prefixLength, tile.prefixStart + key, key < tile.prefixLength);
}
