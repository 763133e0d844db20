// Token rows, widened to f32: out[places[i].y] = stored[places[i].x].
//
//   stored [.., K] bf16, f16 or f32, places [T] → out [.., K] f32; rows of both padded to whole vec4s

/// 0 bf16, 1 f16, 2 f32
override weightType: u32 = 0u;
override threads: u32 = 64u;

struct Params {
  rows: u32,         // T
  quads: u32,        // vec4s in a row
}

@group(0) @binding(0) var<storage, read> stored: array<vec2u>;
@group(0) @binding(1) var<storage, read> places: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

fn weightAt(index: u32) -> vec4f {
  if (weightType == 2u) {
    return bitcast<vec4f>(vec4u(stored[2u * index], stored[2u * index + 1u]));
  }
  let packed = stored[index];
  if (weightType == 1u) {
    return vec4f(unpack2x16float(packed.x), unpack2x16float(packed.y));
  }
  return bitcast<vec4f>(vec4u(packed.x << 16u, packed.x & 0xffff0000u, packed.y << 16u, packed.y & 0xffff0000u));
}

@compute @workgroup_size(threads)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) thread: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= params.rows) { return; }
  let place = places[row];
  for (var i = thread; i < params.quads; i += threads) {
    out[place.y * params.quads + i] = weightAt(place.x * params.quads + i);
  }
}
