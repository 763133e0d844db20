// Copies rows: out[places[i].y] = x[places[i].x]. Gathers the last tokens, and scatters keys and values to cache slots.
//
//   x [.., K] f32, places [R] → out [.., K]; rows padded to whole vec4s

override threads: u32 = 64u;

struct Params {
  rows: u32,         // R
  quads: u32,        // vec4s in a row
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> places: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(threads)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) thread: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= params.rows) { return; }
  let place = places[row];
  for (var i = thread; i < params.quads; i += threads) { out[place.y * params.quads + i] = x[place.x * params.quads + i]; }
}
