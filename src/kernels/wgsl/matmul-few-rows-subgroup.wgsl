// As matmul-few-rows.wgsl, where all subgroups have one size: a workgroup is one subgroup, whose lanes split K and add up
// without workgroup memory or barriers.
//
//   x [M, K] f32 · weight [N, K] bf16, f16 or f32 → out [M, N], or [M, N/2] with SwiGLU; K padded to a multiple of 8

enable subgroups;

/// Lanes of a subgroup.
override lanes: u32 = 32u;
/// 0 bf16, 1 f16, 2 f32
override weightType: u32 = 0u;
/// 0 none, 1 add residual, 2 silu(even column) · odd column
override epilogue: u32 = 0u;
/// Results per workgroup.
const ROWS: u32 = 4u;
const COLUMNS: u32 = 4u;

struct Params {
  rows: u32,          // M
  columns: u32,       // N
  depth: u32,         // K, in vec4s
  weightStart: u32,   // first row of the weight used
  xStride: u32,       // between rows of x, in vec4s
  outStride: u32,     // between rows of out, in vec4s
  outStart: u32,      // first column of out written, in vec4s
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4u>;
@group(0) @binding(2) var<storage, read> residual: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

const RESULTS = ROWS * COLUMNS;

struct Eight {
  low: vec4f,
  high: vec4f,
}

fn weightAt(index: u32) -> Eight {
  if (weightType == 2u) {
    return Eight(bitcast<vec4f>(weight[2u * index]), bitcast<vec4f>(weight[2u * index + 1u]));
  }
  let packed = weight[index];
  if (weightType == 1u) {
    return Eight(vec4f(unpack2x16float(packed.x), unpack2x16float(packed.y)),
                 vec4f(unpack2x16float(packed.z), unpack2x16float(packed.w)));
  }
  let even = bitcast<vec4f>(packed << vec4u(16u));
  let odd = bitcast<vec4f>(packed & vec4u(0xffff0000u));
  return Eight(vec4f(even.x, odd.x, even.y, odd.y), vec4f(even.z, odd.z, even.w, odd.w));
}

/// sum + a · b, as four multiply-adds
fn addDot(sum: f32, a: vec4f, b: vec4f) -> f32 {
  return a.x * b.x + (a.y * b.y + (a.z * b.z + (a.w * b.w + sum)));
}

@compute @workgroup_size(lanes)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let firstRow = group.y * ROWS;
  let firstColumn = group.x * COLUMNS;
  let eights = params.depth / 2u;

  var weightRow = array<u32, COLUMNS>();
  for (var c = 0u; c < COLUMNS; c++) {
    weightRow[c] = (params.weightStart + min(firstColumn + c, params.columns - 1u)) * eights;
  }
  var sums = array<f32, RESULTS>();
  for (var k = lane; k < eights; k += lanes) {
    var weights = array<Eight, COLUMNS>();
    for (var c = 0u; c < COLUMNS; c++) { weights[c] = weightAt(weightRow[c] + k); }
    for (var r = 0u; r < ROWS; r++) {
      let at = min(firstRow + r, params.rows - 1u) * params.xStride + 2u * k;
      let low = x[at];
      let high = x[at + 1u];
      for (var c = 0u; c < COLUMNS; c++) {
        sums[r * COLUMNS + c] = addDot(addDot(sums[r * COLUMNS + c], low, weights[c].low), high, weights[c].high);
      }
    }
  }

  for (var i = 0u; i < RESULTS; i++) { sums[i] = subgroupAdd(sums[i]); }
  for (var i = 0u; i < RESULTS; i++) {
    if (lane != i % lanes) { continue; }
    if (epilogue == 2u) {
      if (i % 2u == 0u) { store(firstRow + i / COLUMNS, (firstColumn + i % COLUMNS) / 2u, silu(sums[i]) * sums[i + 1u]); }
    } else {
      store(firstRow + i / COLUMNS, firstColumn + i % COLUMNS, sums[i]);
    }
  }
}

fn store(row: u32, column: u32, value: f32) {
  let columns = params.columns / select(1u, 2u, epilogue == 2u);
  if (row >= params.rows || column >= (columns + 3u) / 4u * 4u) { return; }
  let at = (row * params.outStride + params.outStart) * 4u + column;
  let added = select(0.0, residual[at], epilogue == 1u);
  out[at] = select(0.0, value + added, column < columns); // columns that fill the last vec4 are zero
}

fn silu(v: f32) -> f32 {
  return v / (1.0 + exp(min(-v, 80.0))); // exp(89) would overflow
}
