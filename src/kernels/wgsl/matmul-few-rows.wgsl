// As matmul-tiled.wgsl, for a query or a decoding step: weights are far more than results, so each is read exactly once,
// eight at a time, by neighbouring threads from neighbouring places. All threads of a workgroup own the same ROWS × COLUMNS
// results; each sums every threads-th eight of K, and workgroup memory brings the sums together.
//
//   x [M, K] f32 · weight [N, K] bf16, f16 or f32 → out [M, N], or [M, N/2] with SwiGLU; K padded to a multiple of 8

override threads: u32 = 64u;
/// 0 bf16, 1 f16, 2 f32
override weightType: u32 = 0u;
/// 0 none, 1 add residual, 2 silu(even column) · odd column
override epilogue: u32 = 0u;
/// Results per workgroup; their number is a power of two and at most `threads`.
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
var<workgroup> partial: array<f32, threads * RESULTS>;

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

@compute @workgroup_size(threads)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let firstRow = group.y * ROWS;
  let firstColumn = group.x * COLUMNS;
  let eights = params.depth / 2u;

  var weightRow = array<u32, COLUMNS>();
  for (var c = 0u; c < COLUMNS; c++) {
    weightRow[c] = (params.weightStart + min(firstColumn + c, params.columns - 1u)) * eights;
  }
  var sums = array<f32, RESULTS>();
  for (var k = thread; k < eights; k += threads) {
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
  for (var i = 0u; i < RESULTS; i++) { partial[place(thread, i)] = sums[i]; }
  workgroupBarrier();

  // One result per thread, or one pair with SwiGLU.
  let perColumn = select(1u, 2u, epilogue == 2u);
  let row = thread / (COLUMNS / perColumn);
  let column = (thread % (COLUMNS / perColumn)) * perColumn;
  if (row >= ROWS || firstRow + row >= params.rows) { return; }
  let outColumn = (firstColumn + column) / perColumn;
  let outColumns = params.columns / perColumn;
  if (outColumn >= (outColumns + 3u) / 4u * 4u) { return; }
  let at = ((firstRow + row) * params.outStride + params.outStart) * 4u + outColumn;
  var value = total(row * COLUMNS + column);
  if (epilogue == 1u) { value += residual[at]; }
  if (epilogue == 2u) { value = silu(value) * total(row * COLUMNS + column + 1u); }
  out[at] = select(0.0, value, outColumn < outColumns); // columns that fill the last vec4 are zero
}

/// Neighbouring threads write one result, and read neighbouring results, on different memory banks.
fn place(thread: u32, result: u32) -> u32 {
  return thread * RESULTS + (result ^ (thread % RESULTS));
}

fn total(result: u32) -> f32 {
  var sum = 0.0;
  for (var i = 0u; i < threads; i++) { sum += partial[place(i, result)]; }
  return sum;
}

fn silu(v: f32) -> f32 {
  return v / (1.0 + exp(min(-v, 80.0))); // exp(89) would overflow
}
