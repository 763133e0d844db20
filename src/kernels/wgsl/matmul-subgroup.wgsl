// As matmul-tiled.wgsl, for adapters whose subgroups are small and of one size: one subgroup per workgroup, everything in
// registers, no barriers. A lane owns four columns; it loads rows of x for all lanes, which get them by shuffles.
// Software adapters load lane by lane, so each load must serve many multiplications.
//
//   x [M, K] f32 · weight [N, K] bf16, f16 or f32 → out [M, N], or [M, N/2] with SwiGLU

enable subgroups;

/// 0 bf16, 1 f16, 2 f32
override weightType: u32 = 0u;
/// 0 none, 1 add residual, 2 silu(even column) · odd column
override epilogue: u32 = 0u;
/// Lanes of a subgroup.
const LANES: u32 = 8u;
/// Groups of rows per workgroup; the lanes load one row each of a group.
const ROW_GROUPS: u32 = 1u;
/// Rows of a group: LANES, or fewer where there are no more.
const GROUP_ROWS: u32 = LANES;

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
@group(0) @binding(1) var<storage, read> weight: array<vec2u>;
@group(0) @binding(2) var<storage, read> residual: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(4) var<uniform> params: Params;

const ROWS = ROW_GROUPS * GROUP_ROWS;

fn weightAt(index: u32) -> vec4f {
  if (weightType == 2u) {
    return bitcast<vec4f>(vec4u(weight[2u * index], weight[2u * index + 1u]));
  }
  let packed = weight[index];
  if (weightType == 1u) {
    return vec4f(unpack2x16float(packed.x), unpack2x16float(packed.y));
  }
  return bitcast<vec4f>(vec4u(packed.x << 16u, packed.x & 0xffff0000u, packed.y << 16u, packed.y & 0xffff0000u));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let firstRow = group.y * ROWS;
  let firstColumn = (group.x * LANES + lane) * 4u;
  var sums = array<vec4f, ROWS>();

  var weightRow = array<u32, 4>();
  for (var j = 0u; j < 4u; j++) {
    weightRow[j] = (params.weightStart + min(firstColumn + j, params.columns - 1u)) * params.depth;
  }
  for (var k = 0u; k < params.depth; k++) {
    var weights = array<vec4f, 4>();
    for (var j = 0u; j < 4u; j++) { weights[j] = weightAt(weightRow[j] + k); }
    for (var g = 0u; g < ROW_GROUPS; g++) {
      let own = x[min(firstRow + g * GROUP_ROWS + lane, params.rows - 1u) * params.xStride + k];
      for (var i = 0u; i < GROUP_ROWS; i++) {
        let other = subgroupShuffle(own, i);
        for (var j = 0u; j < 4u; j++) { sums[g * GROUP_ROWS + i][j] += dot(other, weights[j]); }
      }
    }
  }

  for (var i = 0u; i < ROWS; i++) { store(firstRow + i, firstColumn, sums[i], lane); }
}

/// Four results of one row. Columns past the end are zero in the last vec4 of a row and not written beyond it.
fn store(row: u32, column: u32, value: vec4f, lane: u32) {
  let at = row * params.outStride + params.outStart;
  if (epilogue == 2u) {
    // Two lanes have four results together; the first of them writes.
    let own = value.xz / (1.0 + exp(min(-value.xz, vec2f(80.0)))) * value.yw; // exp(89) would overflow
    let other = subgroupShuffleXor(own, 1u);
    if (row < params.rows && column < params.columns && lane % 2u == 0u) {
      out[at + column / 8u] = tail(vec4f(own, other), column / 2u, params.columns / 2u);
    }
  } else if (row < params.rows && column < params.columns) {
    var result = tail(value, column, params.columns);
    if (epilogue == 1u) { result += residual[at + column / 4u]; }
    out[at + column / 4u] = result;
  }
}

/// Zeros where a column does not exist.
fn tail(value: vec4f, column: u32, columns: u32) -> vec4f {
  return select(vec4f(), value, vec4u(column, column + 1u, column + 2u, column + 3u) < vec4u(columns));
}
