// Splits the product of the stacked q, k and v projections, normalises every head of q and k, and turns both by their
// positions (rotate-half: element i with element i + D/2). One workgroup per row and head: q's heads, k's, then v's.
//
//   product [T, (H + 2·KV)·D] → q [T, H·D], k and v [T, KV·D]; H or KV may be 0

/// D
override headDim: u32 = 128u;
/// 0 normalises only (transformers' q_norm and k_norm)
override turn: u32 = 1u;
override threads: u32 = 32u;

struct Params {
  rows: u32,
  firstRow: u32,      // position of this part's row 0 in positions
  qHeads: u32,
  kvHeads: u32,
  productStride: u32, // between rows of product, in vec4s
  qEps: f32,
  kEps: f32,
}

@group(0) @binding(0) var<storage, read> product: array<vec4f>;
@group(0) @binding(1) var<storage, read> qWeight: array<vec4f>;
@group(0) @binding(2) var<storage, read> kWeight: array<vec4f>;
/// cos of D/2 angles, then sin, for every position
@group(0) @binding(3) var<storage, read> rotary: array<vec4f>;
@group(0) @binding(4) var<storage, read> positions: array<u32>;
@group(0) @binding(5) var<storage, read_write> q: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> k: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> v: array<vec4f>;
@group(0) @binding(8) var<uniform> params: Params;

var<workgroup> partial: array<f32, threads>;

fn weightAt(isQuery: bool, i: u32) -> vec4f {
  if (isQuery) { return qWeight[i]; }
  return kWeight[i];
}

fn store(isQuery: bool, i: u32, value: vec4f) {
  if (isQuery) { q[i] = value; } else { k[i] = value; }
}

@compute @workgroup_size(threads)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) thread: u32) {
  let row = group.z * groups.y + group.y;
  if (row >= params.rows) { return; } // the whole workgroup, so barriers stay uniform
  let quads = headDim / 4u;
  let source = row * params.productStride + group.x * quads;

  let keys = params.qHeads + params.kvHeads; // where they end
  if (group.x >= keys) {
    let destination = (row * params.kvHeads + group.x - keys) * quads;
    for (var i = thread; i < quads; i += threads) { v[destination + i] = product[source + i]; }
    return;
  }

  var sum = 0.0;
  for (var i = thread; i < quads; i += threads) { sum += dot(product[source + i], product[source + i]); }
  partial[thread] = sum;
  for (var half = threads / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { partial[thread] += partial[thread + half]; }
  }
  workgroupBarrier();
  let isQuery = group.x < params.qHeads;
  let heads = select(params.kvHeads, params.qHeads, isQuery);
  let destination = (row * heads + group.x - select(params.qHeads, 0u, isQuery)) * quads;
  let scale = inverseSqrt(partial[0] / f32(headDim) + select(params.kEps, params.qEps, isQuery));

  if (turn == 0u) {
    for (var i = thread; i < quads; i += threads) {
      store(isQuery, destination + i, product[source + i] * scale * weightAt(isQuery, i));
    }
    return;
  }
  let pairs = quads / 2u;
  let angles = positions[params.firstRow + row] * quads;
  for (var i = thread; i < pairs; i += threads) {
    let first = product[source + i] * scale * weightAt(isQuery, i);
    let second = product[source + pairs + i] * scale * weightAt(isQuery, pairs + i);
    let c = rotary[angles + i];
    let s = rotary[angles + pairs + i];
    store(isQuery, destination + i, first * c - second * s);
    store(isQuery, destination + pairs + i, second * c + first * s);
  }
}
