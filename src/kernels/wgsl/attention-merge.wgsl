// Brings together what attention gave for parts of the keys: outputs weighted by their share of the whole softmax.
// One workgroup per query row and head.
//
//   parts [.., H·D + H vec4s of maximum and sum] → out [Q, H·D]

/// D
override headDim: u32 = 128u;
override threads: u32 = 32u;

struct Params {
  rows: u32,         // Q
  partStride: u32,   // between rows of parts, in vec4s
  outStride: u32,    // between rows of out, in vec4s
}

/// Rows start, start + stride, … of parts belong to one query row.
struct Merge {
  start: u32,
  count: u32,
  stride: u32,
}

@group(0) @binding(0) var<storage, read> parts: array<vec4f>;
@group(0) @binding(1) var<storage, read> merges: array<Merge>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(threads)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) thread: u32) {
  let row = group.z * groups.y + group.y;
  if (row >= params.rows) { return; }
  let quads = headDim / 4u;
  let head = group.x;
  let merge = merges[row];
  let statistics = groups.x * quads + head;

  var largest = -1e30;
  for (var i = 0u; i < merge.count; i++) {
    largest = max(largest, parts[(merge.start + i * merge.stride) * params.partStride + statistics].x);
  }
  for (var column = thread; column < quads; column += threads) {
    var mixed = vec4f();
    var total = 0.0;
    for (var i = 0u; i < merge.count; i++) {
      let at = (merge.start + i * merge.stride) * params.partStride;
      let weight = exp(parts[at + statistics].x - largest) * parts[at + statistics].y;
      total += weight;
      mixed += weight * parts[at + head * quads + column];
    }
    out[row * params.outStride + head * quads + column] = mixed / total;
  }
}
