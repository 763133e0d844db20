// Splits the product of the stacked q, k and v projections, normalises every head of q and k, and turns both by their
// positions (rotate-half: element i with element i + D/2). One workgroup per row and head.
//
//   product [T, heads·D] → out [T, heads·D] of one of q, k, v

/// D
override headDim: u32 = 128u;
/// 0 copies (v), 1 normalises (q and k as transformers' q_norm and k_norm), 2 normalises and turns
override mode: u32 = 2u;
override threads: u32 = 32u;

struct Params {
  rows: u32,
  firstRow: u32,      // position of this part's row 0 in positions
  heads: u32,
  productStride: u32, // between rows of product, in vec4s
  productStart: u32,  // first column, in vec4s
  eps: f32,
}

@group(0) @binding(0) var<storage, read> product: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
/// cos of D/2 angles, then sin, for every position
@group(0) @binding(2) var<storage, read> rotary: array<vec4f>;
@group(0) @binding(3) var<storage, read> positions: array<u32>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;

var<workgroup> partial: array<f32, threads>;

@compute @workgroup_size(threads)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) thread: u32) {
  let row = group.z * groups.y + group.y;
  let head = group.x;
  if (row >= params.rows) { return; } // the whole workgroup, so barriers stay uniform
  let quads = headDim / 4u;
  let source = row * params.productStride + params.productStart + head * quads;
  let destination = (row * params.heads + head) * quads;

  if (mode == 0u) {
    for (var i = thread; i < quads; i += threads) { out[destination + i] = product[source + i]; }
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
  let scale = inverseSqrt(partial[0] / f32(headDim) + params.eps);

  if (mode == 1u) {
    for (var i = thread; i < quads; i += threads) { out[destination + i] = product[source + i] * scale * weight[i]; }
    return;
  }
  let pairs = quads / 2u;
  let angles = positions[params.firstRow + row] * quads;
  for (var i = thread; i < pairs; i += threads) {
    let first = product[source + i] * scale * weight[i];
    let second = product[source + pairs + i] * scale * weight[pairs + i];
    let c = rotary[angles + i];
    let s = rotary[angles + pairs + i];
    out[destination + i] = first * c - second * s;
    out[destination + pairs + i] = second * c + first * s;
  }
}
