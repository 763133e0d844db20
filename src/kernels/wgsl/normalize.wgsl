// The first columns of each row, divided by their L2 norm (at least 1e-12, so that a zero row stays zero).
// One workgroup per row.
//
//   x [T, K] f32 → out [T, dimensions]; rows padded with zeros to whole vec4s

override threads: u32 = 64u;

struct Params {
  rows: u32,
  dimensions: u32,
  xStride: u32,      // between rows of x, in vec4s
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> partial: array<f32, threads>;

/// Four columns, zero where they are cut off.
fn kept(row: u32, quad: u32) -> vec4f {
  let column = quad * 4u;
  let inside = vec4u(column, column + 1u, column + 2u, column + 3u) < vec4u(params.dimensions);
  return select(vec4f(), x[row * params.xStride + quad], inside);
}

@compute @workgroup_size(threads)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) thread: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= params.rows) { return; } // the whole workgroup, so barriers stay uniform
  let quads = (params.dimensions + 3u) / 4u;

  // Scaled by the largest value first: squares of 1e30 would overflow, squares of 1e-30 vanish.
  var largest = 0.0;
  for (var i = thread; i < quads; i += threads) {
    let value = abs(kept(row, i));
    largest = max(largest, max(max(value.x, value.y), max(value.z, value.w)));
  }
  partial[thread] = largest;
  for (var half = threads / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { partial[thread] = max(partial[thread], partial[thread + half]); }
  }
  workgroupBarrier();
  let unit = max(partial[0], 1e-30);
  workgroupBarrier();

  var sum = 0.0;
  for (var i = thread; i < quads; i += threads) {
    let value = kept(row, i) / unit;
    sum += dot(value, value);
  }
  partial[thread] = sum;
  for (var half = threads / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { partial[thread] += partial[thread + half]; }
  }
  workgroupBarrier();

  let norm = max(unit * sqrt(partial[0]), 1e-12);
  for (var i = thread; i < quads; i += threads) { out[row * quads + i] = kept(row, i) / norm; }
}
