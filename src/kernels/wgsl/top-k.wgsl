// The k largest values of each row and their columns, largest first, of equal ones the lower column first; then
// log Σ exp of the row. One workgroup per row; one walk over the row for each value, since k is small.
//
//   x [T, K] f32 → out [T, 2k + 1] f32, padded to whole vec4s

override threads: u32 = 256u;

struct Params {
  rows: u32,
  width: u32,        // K
  xStride: u32,      // between rows of x, in f32s
  outStride: u32,    // between rows of out, in f32s
  k: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> values: array<f32, threads>;
var<workgroup> columns: array<u32, threads>;

const LOWEST = -3.4028234e38;

/// Whether (value a, column i) stands before (b, j) in the order of results.
fn isBefore(a: f32, i: u32, b: f32, j: u32) -> bool {
  return a > b || (a == b && i < j);
}

@compute @workgroup_size(threads)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) thread: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= params.rows) { return; } // the whole workgroup, so barriers stay uniform
  let start = row * params.xStride;
  let result = row * params.outStride;

  var lastValue = 0.0;
  var lastColumn = 0u;
  var largest = 0.0;
  for (var i = 0u; i < params.k; i++) {
    // No column is this large: whatever stands after the last result is before it.
    var best = LOWEST;
    var bestColumn = 0xffffffffu;
    for (var column = thread; column < params.width; column += threads) {
      let value = x[start + column];
      let remaining = i == 0u || isBefore(lastValue, lastColumn, value, column);
      if (remaining && isBefore(value, column, best, bestColumn)) {
        best = value;
        bestColumn = column;
      }
    }
    values[thread] = best;
    columns[thread] = bestColumn;
    for (var half = threads / 2u; half > 0u; half /= 2u) {
      workgroupBarrier();
      if (thread < half && isBefore(values[thread + half], columns[thread + half], values[thread], columns[thread])) {
        values[thread] = values[thread + half];
        columns[thread] = columns[thread + half];
      }
    }
    workgroupBarrier();
    lastValue = values[0];
    lastColumn = columns[0];
    if (i == 0u) { largest = lastValue; }
    if (thread == 0u) {
      out[result + i] = lastValue;
      out[result + params.k + i] = f32(lastColumn);
    }
    workgroupBarrier();
  }

  var sum = 0.0;
  for (var column = thread; column < params.width; column += threads) { sum += exp(x[start + column] - largest); }
  values[thread] = sum;
  for (var half = threads / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { values[thread] += values[thread + half]; }
  }
  if (thread == 0u) { out[result + 2u * params.k] = largest + log(values[0]); }
}
