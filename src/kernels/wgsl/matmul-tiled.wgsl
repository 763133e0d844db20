// out = x · weightᵀ, with an epilogue. Tiles of both go through workgroup memory, turned so that the inner loop reads
// four rows or columns at a time: with ROW_QUADS 2, 64 multiply-adds for 16 words.
//
//   x [M, K] f32 · weight [N, K] bf16, f16 or f32 → out [M, N], or [M, N/2] with SwiGLU
//
// Rows are padded with zeros to whole vec4s. A thread owns ROW_QUADS · 4 rows × 8 columns of results, in quads that lie a
// tile's half apart, so that neighbouring threads read neighbouring vec4s.

override threadColumns: u32 = 8u;
override threadRows: u32 = 8u;
/// Width of a tile along K, in vec4s: a multiple of 2.
override depth: u32 = 4u;
/// 0 bf16, 1 f16, 2 f32
override weightType: u32 = 0u;
/// 0 none, 1 add residual, 2 silu(even column) · odd column
override epilogue: u32 = 0u;
/// Quads of rows per thread.
const ROW_QUADS: u32 = 1u;

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
@group(0) @binding(2) var<storage, read> residual: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> out: array<vec2f>;
@group(0) @binding(4) var<uniform> params: Params;

/// Steps along K without a loop between them: enough that nine in ten instructions multiply and add.
const UNROLLED = 8u / ROW_QUADS;

// One vec4 of padding between lines keeps the turned stores off one memory bank.
override xLine = threadRows * ROW_QUADS + 1u;
override weightLine = threadColumns * 2u + 1u;
var<workgroup> xTile: array<vec4f, depth * 4u * xLine>;
var<workgroup> weightTile: array<vec4f, depth * 4u * weightLine>;

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

fn xAt(row: u32, k: u32) -> vec4f {
  return select(vec4f(), x[min(row, params.rows - 1u) * params.xStride + min(k, params.depth - 1u)], k < params.depth);
}

fn weightRowAt(column: u32, k: u32) -> vec4f {
  let row = params.weightStart + min(column, params.columns - 1u);
  return select(vec4f(), weightAt(row * params.depth + min(k, params.depth - 1u)), k < params.depth);
}

@compute @workgroup_size(threadColumns, threadRows)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u,
        @builtin(local_invocation_index) thread: u32) {
  let firstRow = group.y * threadRows * ROW_QUADS * 4u;
  let firstColumn = group.x * threadColumns * 8u;
  let threads = threadColumns * threadRows;

  var low: array<vec4f, ROW_QUADS * 4u>;
  var high: array<vec4f, ROW_QUADS * 4u>;

  for (var k = 0u; k < params.depth; k += depth) {
    for (var piece = thread; piece < threadRows * ROW_QUADS * depth; piece += threads) {
      let row = firstRow + piece / depth * 4u;
      let at = k + piece % depth;
      let turned = transpose(mat4x4f(xAt(row, at), xAt(row + 1u, at), xAt(row + 2u, at), xAt(row + 3u, at)));
      let store = piece % depth * 4u * xLine + piece / depth;
      for (var i = 0u; i < 4u; i++) { xTile[store + i * xLine] = turned[i]; }
    }
    for (var piece = thread; piece < threadColumns * 2u * depth; piece += threads) {
      let column = firstColumn + piece / depth * 4u;
      let at = k + piece % depth;
      let turned = transpose(mat4x4f(weightRowAt(column, at), weightRowAt(column + 1u, at),
                                     weightRowAt(column + 2u, at), weightRowAt(column + 3u, at)));
      let store = piece % depth * 4u * weightLine + piece / depth;
      for (var i = 0u; i < 4u; i++) { weightTile[store + i * weightLine] = turned[i]; }
    }
    workgroupBarrier();
    var xFrom = local.y;
    var weightFrom = local.x;
    for (var start = 0u; start < depth * 4u; start += UNROLLED) {
      for (var j = 0u; j < UNROLLED; j++) {
        let weightLow = weightTile[weightFrom + j * weightLine];
        let weightHigh = weightTile[weightFrom + j * weightLine + threadColumns];
        for (var quad = 0u; quad < ROW_QUADS; quad++) {
          let rows = xTile[xFrom + j * xLine + quad * threadRows];
          for (var i = 0u; i < 4u; i++) {
            low[quad * 4u + i] += rows[i] * weightLow;
            high[quad * 4u + i] += rows[i] * weightHigh;
          }
        }
      }
      xFrom += UNROLLED * xLine;
      weightFrom += UNROLLED * weightLine;
    }
    workgroupBarrier();
  }

  let lowColumn = firstColumn + local.x * 4u;
  let highColumn = lowColumn + threadColumns * 4u;
  for (var quad = 0u; quad < ROW_QUADS; quad++) {
    for (var i = 0u; i < 4u; i++) {
      let row = firstRow + (quad * threadRows + local.y) * 4u + i;
      if (row >= params.rows) { return; }
      store(row, lowColumn, low[quad * 4u + i]);
      store(row, highColumn, high[quad * 4u + i]);
    }
  }
}

/// Four results of one row. Columns past the end are zero in the last vec4 of a row and not written beyond it.
fn store(row: u32, column: u32, value: vec4f) {
  let at = (row * params.outStride + params.outStart) * 2u;
  if (epilogue == 2u) {
    let gates = silu(value.xz) * value.yw;
    if (column / 2u < wholeVec4s(params.columns / 2u)) {
      out[at + column / 4u] = select(vec2f(), gates, vec2u(column, column + 2u) < vec2u(params.columns));
    }
    return;
  }
  if (column >= wholeVec4s(params.columns)) { return; }
  var result = select(vec4f(), value, vec4u(column, column + 1u, column + 2u, column + 3u) < vec4u(params.columns));
  if (epilogue == 1u) { result += vec4f(residual[at + column / 2u], residual[at + column / 2u + 1u]); }
  out[at + column / 2u] = result.xy;
  out[at + column / 2u + 1u] = result.zw;
}

fn wholeVec4s(columns: u32) -> u32 {
  return (columns + 3u) / 4u * 4u;
}

fn silu(v: vec2f) -> vec2f {
  return v / (1.0 + exp(min(-v, vec2f(80.0)))); // exp(89) would overflow
}
