// x · rsqrt(mean(x²) + eps) · weight, one workgroup per row.
//
//   x [T, K] f32, weight [K] f32 → out [T, K]; rows padded with zeros to whole vec4s

override threads: u32 = 64u;

struct Params {
  rows: u32,
  quads: u32,        // vec4s in a row
  width: f32,        // K
  eps: f32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

var<workgroup> partial: array<f32, threads>;

@compute @workgroup_size(threads)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) thread: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= params.rows) { return; } // the whole workgroup, so barriers stay uniform
  let start = row * params.quads;

  var sum = 0.0;
  for (var i = thread; i < params.quads; i += threads) { sum += dot(x[start + i], x[start + i]); }
  partial[thread] = sum;
  for (var half = threads / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { partial[thread] += partial[thread + half]; }
  }
  workgroupBarrier();

  let scale = inverseSqrt(partial[0] / params.width + params.eps);
  for (var i = thread; i < params.quads; i += threads) { out[start + i] = x[start + i] * scale * weight[i]; }
}
