// As attention.wgsl, for adapters whose subgroups are small and of one size: one subgroup per workgroup, no workgroup
// memory and no barriers. Lanes hold different keys for the scores and different columns for the output, and hand each
// other queries and weights by shuffles. Software adapters load lane by lane, so what is loaded once must serve many.
//
//   q [Q, H·D], k, v [K, KV·D] f32 → out [Q, H·D]; or, of parts, [.., H·D + H vec4s of maximum and sum]

enable subgroups;

/// D
override headDim: u32 = 128u;
/// H / KV
override headsPerKv: u32 = 2u;
/// 1 if this computes parts
override parts: u32 = 0u;
/// Lanes of a subgroup, and lines of (query row, head of the group) per workgroup.
const LANES: u32 = 8u;
/// vec4 columns of the output per lane: ceil(D / 4 / LANES).
const COLUMNS: u32 = 4u;

struct Params {
  qStride: u32,      // between rows of q, in vec4s
  kvStride: u32,     // between rows of k and v, in vec4s
  outStride: u32,    // between rows of out, in vec4s
  scale: f32,        // D^-1/2
  firstTile: u32,
}

/// As in attention.wgsl.
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

/// Below every score, yet finite: WGSL may assume that infinities do not occur.
const MASKED = -1e30;
/// Below every sum of a line that saw a key; a part's lines may see none.
const LEAST = 1e-30;

override quads = headDim / 4u;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(subgroup_invocation_id) lane: u32) {
  let tile = tiles[params.firstTile + group.x];
  let kvHead = group.y;
  let keys = min(tile.endKey, tile.prefixLength + tile.ownKeys + tile.queries - 1u); // that the last query row sees
  let query = min(lane / headsPerKv, tile.queries - 1u);
  let queryAt = (tile.queryStart + query) * params.qStride + (kvHead * headsPerKv + lane % headsPerKv) * quads;

  var largest = array<f32, LANES>();
  var total = array<f32, LANES>();
  var mixed = array<vec4f, LANES * COLUMNS>();
  for (var i = 0u; i < LANES; i++) { largest[i] = MASKED; }

  for (var start = tile.firstKey; start < keys; start += 2u * LANES) {
    // Scores of every line with this lane's two keys.
    let first = start + lane;
    let second = first + LANES;
    let firstAt = keyRow(tile, min(first, keys - 1u)) * params.kvStride + kvHead * quads;
    let secondAt = keyRow(tile, min(second, keys - 1u)) * params.kvStride + kvHead * quads;
    var scores = array<vec2f, LANES>();
    for (var d = 0u; d < quads; d++) {
      let ownQuery = q[queryAt + d];
      let firstKey = k[firstAt + d];
      let secondKey = k[secondAt + d];
      for (var i = 0u; i < LANES; i++) {
        let other = subgroupShuffle(ownQuery, i);
        scores[i] += vec2f(dot(other, firstKey), dot(other, secondKey));
      }
    }
    for (var i = 0u; i < LANES; i++) {
      let seen = tile.prefixLength + tile.ownKeys + i / headsPerKv;
      let visible = vec2u(first, second) < vec2u(min(seen, keys));
      let masked = select(vec2f(MASKED), scores[i] * params.scale, visible);
      let next = max(largest[i], subgroupMax(max(masked.x, masked.y)));
      let rescale = exp(largest[i] - next);
      largest[i] = next;
      scores[i] = exp(masked - next); // 0 where masked, once a key was seen
      total[i] = total[i] * rescale + scores[i].x + scores[i].y;
      for (var c = 0u; c < COLUMNS; c++) { mixed[i * COLUMNS + c] *= rescale; }
    }

    // Every line's output at this lane's columns.
    let used = min(2u * LANES, keys - start);
    for (var j = 0u; j < used; j++) {
      let at = keyRow(tile, start + j) * params.kvStride + kvHead * quads;
      var values = array<vec4f, COLUMNS>();
      for (var c = 0u; c < COLUMNS; c++) { values[c] = v[at + min(c * LANES + lane, quads - 1u)]; }
      for (var i = 0u; i < LANES; i++) {
        let weight = subgroupShuffle(select(scores[i].x, scores[i].y, j >= LANES), j % LANES);
        for (var c = 0u; c < COLUMNS; c++) { mixed[i * COLUMNS + c] += weight * values[c]; }
      }
    }
  }

  for (var i = 0u; i < LANES; i++) {
    let sum = subgroupAdd(total[i]);
    let query = i / headsPerKv;
    let head = kvHead * headsPerKv + i % headsPerKv;
    let row = (tile.outStart + query) * params.outStride;
    for (var c = 0u; c < COLUMNS; c++) {
      let column = c * LANES + lane;
      if (query < tile.queries && column < quads) { out[row + head * quads + column] = mixed[i * COLUMNS + c] / max(sum, LEAST); }
    }
    if (parts == 1u && query < tile.queries && lane == 0u) {
      out[row + groups.y * headsPerKv * quads + head] = vec4f(largest[i], sum, 0.0, 0.0);
    }
  }
}

fn keyRow(tile: Tile, key: u32) -> u32 {
  return select(tile.keyStart + key - tile.prefixLength, tile.prefixStart + key, key < tile.prefixLength);
}
