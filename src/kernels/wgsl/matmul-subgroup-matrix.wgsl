// As matmul-tiled.wgsl, on the GPU's matrix units: each subgroup multiplies small matrices that its threads hold together.
//
//   x [M, K] f32 · weight [N, K] bf16, f16 or f32 → out [M, N], or [M, N/2] with SwiGLU
//
// Most units take float16. Each row of x, and of the weight, is scaled by a power of two that brings its largest value
// just below 2¹⁵, and what does not fit 11 bits goes into a second matrix: together 22 bits, for values down to 2⁻¹⁸ of
// the largest, and an error of 2⁻³⁹ of the largest below that. The unit adds in float32, and the scale is taken back from
// the sums. An infinity becomes NaN, here alone.

enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
// Whole subgroups take the same way; the analysis only knows whole workgroups.
diagnostic(off, chromium.subgroup_matrix_uniformity);

/// 0 bf16, 1 f16, 2 f32
override weightType: u32 = 0u;
/// 0 none, 1 add residual, 2 silu(even column) · odd column
override epilogue: u32 = 0u;
/// What the unit multiplies: f16 or f32.
alias Input = f16;
/// Inputs that hold a float32: 2 of f16, 1 of f32.
const PARTS: u32 = 2u;
/// Of one multiplication in the unit: [rows, depth] · [depth, columns].
const UNIT_ROWS: u32 = 8u;
const UNIT_COLUMNS: u32 = 8u;
const UNIT_DEPTH: u32 = 8u;
/// Results of a subgroup, in units.
const ROWS: u32 = 4u;
const COLUMNS: u32 = 4u;
/// Subgroups of a workgroup, of up to so many lanes.
const SUBGROUP_ROWS: u32 = 2u;
const SUBGROUPS: u32 = 4u;
const LANES: u32 = 8u;
/// Width of a tile along K, in vec4s.
const DEPTH: u32 = 8u;

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

alias Left = subgroup_matrix_left<Input, UNIT_DEPTH, UNIT_ROWS>;
alias Right = subgroup_matrix_right<Input, UNIT_COLUMNS, UNIT_DEPTH>;
alias Sums = subgroup_matrix_result<f32, UNIT_COLUMNS, UNIT_ROWS>;

const SUBGROUP_COLUMNS = SUBGROUPS / SUBGROUP_ROWS;
const TILE_ROWS = SUBGROUP_ROWS * ROWS * UNIT_ROWS;
const TILE_COLUMNS = SUBGROUP_COLUMNS * COLUMNS * UNIT_COLUMNS;
const TILE_LINES = TILE_ROWS + TILE_COLUMNS;
const AREA = UNIT_ROWS * UNIT_COLUMNS;
const THREADS = LANES * SUBGROUPS;

/// Only float32 weights have more bits than one input.
override weightParts = select(1u, PARTS, weightType == 2u);
// Padding keeps the lines that a unit reads together off one memory bank.
const LINE = DEPTH * 4u + 4u * PARTS; // by 16 bytes
var<workgroup> xTile: array<Input, PARTS * TILE_ROWS * LINE>;
var<workgroup> weightTile: array<Input, weightParts * TILE_COLUMNS * LINE>;
var<workgroup> results: array<f32, SUBGROUPS * AREA>;
/// Largest absolute values, as bits, which are ordered as the values are: of the tile's rows of x, then of the weight.
var<workgroup> largest: array<atomic<u32>, TILE_LINES>;

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
  return x[min(row, params.rows - 1u) * params.xStride + k];
}

fn weightRowAt(column: u32, k: u32) -> vec4f {
  return weightAt((params.weightStart + min(column, params.columns - 1u)) * params.depth + k);
}

@compute @workgroup_size(LANES, SUBGROUPS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32,
        @builtin(subgroup_id) subgroup: u32) {
  let firstRow = group.y * TILE_ROWS;
  let firstColumn = group.x * TILE_COLUMNS;
  // Subgroups may be smaller than LANES: those too many only load and store.
  let multiplies = subgroup < SUBGROUPS;
  let ownRow = subgroup / SUBGROUP_COLUMNS * ROWS * UNIT_ROWS;
  let ownColumn = subgroup % SUBGROUP_COLUMNS * COLUMNS * UNIT_COLUMNS;

  findLargest(thread, firstRow, firstColumn);

  var sums: array<Sums, ROWS * COLUMNS>;
  for (var k = 0u; k < params.depth; k += DEPTH) {
    for (var share = 0u; share < TILE_ROWS * DEPTH / THREADS; share++) {
      let piece = share * THREADS + thread;
      let row = piece / DEPTH;
      let at = k + piece % DEPTH;
      var value = select(vec4f(), xAt(firstRow + row, min(at, params.depth - 1u)), at < params.depth);
      if (PARTS > 1u) { value *= scaleOf(row); }
      for (var part = 0u; part < PARTS; part++) {
        let held = inputOf(value);
        let store = (part * TILE_ROWS + row) * LINE + piece % DEPTH * 4u;
        for (var i = 0u; i < 4u; i++) { xTile[store + i] = Input(held[i]); }
        value -= held;
      }
    }
    for (var share = 0u; share < TILE_COLUMNS * DEPTH / THREADS; share++) {
      let piece = share * THREADS + thread;
      let column = piece / DEPTH;
      let at = k + piece % DEPTH;
      var value = select(vec4f(), weightRowAt(firstColumn + column, min(at, params.depth - 1u)), at < params.depth);
      if (PARTS > 1u) { value *= scaleOf(TILE_ROWS + column); }
      for (var part = 0u; part < weightParts; part++) {
        let held = inputOf(value);
        let store = (part * TILE_COLUMNS + column) * LINE + piece % DEPTH * 4u;
        for (var i = 0u; i < 4u; i++) { weightTile[store + i] = Input(held[i]); }
        value -= held;
      }
    }
    workgroupBarrier();
    if (multiplies) {
      for (var at = 0u; at < DEPTH * 4u; at += UNIT_DEPTH) {
        for (var weightPart = 0u; weightPart < weightParts; weightPart++) {
          var right: array<Right, COLUMNS>;
          for (var j = 0u; j < COLUMNS; j++) {
            let load = (weightPart * TILE_COLUMNS + ownColumn + j * UNIT_COLUMNS) * LINE + at;
            right[j] = subgroupMatrixLoad<Right, col_major>(&weightTile, load, LINE);
          }
          for (var i = 0u; i < ROWS; i++) {
            let load = (ownRow + i * UNIT_ROWS) * LINE + at;
            let left = subgroupMatrixLoad<Left, row_major>(&xTile, load, LINE);
            for (var j = 0u; j < COLUMNS; j++) {
              sums[i * COLUMNS + j] = subgroupMatrixMultiplyAccumulate(left, right[j], sums[i * COLUMNS + j]);
            }
            // The product of both second parts is below the last bit.
            if (PARTS == 1u || weightPart > 0u) { continue; }
            let rest = subgroupMatrixLoad<Left, row_major>(&xTile, load + TILE_ROWS * LINE, LINE);
            for (var j = 0u; j < COLUMNS; j++) {
              sums[i * COLUMNS + j] = subgroupMatrixMultiplyAccumulate(rest, right[j], sums[i * COLUMNS + j]);
            }
          }
        }
      }
    }
    workgroupBarrier();
  }

  // One matrix of each subgroup at a time.
  for (var i = 0u; i < ROWS; i++) {
    for (var j = 0u; j < COLUMNS; j++) {
      if (multiplies) {
        subgroupMatrixStore<row_major>(&results, subgroup * AREA, sums[i * COLUMNS + j], UNIT_COLUMNS);
      }
      workgroupBarrier();
      for (var quad = thread; quad < SUBGROUPS * AREA / 4u; quad += THREADS) {
        let writer = quad * 4u / AREA;
        let row = (writer / SUBGROUP_COLUMNS * ROWS + i) * UNIT_ROWS + quad * 4u % AREA / UNIT_COLUMNS;
        let column = (writer % SUBGROUP_COLUMNS * COLUMNS + j) * UNIT_COLUMNS + quad * 4u % UNIT_COLUMNS;
        var value = vec4f(results[quad * 4u], results[quad * 4u + 1u], results[quad * 4u + 2u], results[quad * 4u + 3u]);
        if (PARTS > 1u) {
          let line = TILE_ROWS + column;
          value *= vec4f(unscaleOf(line), unscaleOf(line + 1u), unscaleOf(line + 2u), unscaleOf(line + 3u));
          value *= unscaleOf(row);
        }
        if (firstRow + row < params.rows) { store(firstRow + row, firstColumn + column, value); }
      }
      workgroupBarrier();
    }
  }
}

/// Eight threads to a row: together they read a cache line.
fn findLargest(thread: u32, firstRow: u32, firstColumn: u32) {
  if (PARTS == 1u) { return; }
  for (var line = thread; line < TILE_LINES; line += THREADS) { atomicStore(&largest[line], 0u); }
  workgroupBarrier();
  for (var line = thread / 8u; line < TILE_LINES; line += THREADS / 8u) {
    var most = vec4f();
    for (var k = thread % 8u; k < params.depth; k += 8u) {
      if (line < TILE_ROWS) { most = max(most, abs(xAt(firstRow + line, k))); }
      else { most = max(most, abs(weightRowAt(firstColumn + line - TILE_ROWS, k))); }
    }
    atomicMax(&largest[line], bitcast<u32>(max(max(most.x, most.y), max(most.z, most.w))));
  }
  workgroupBarrier();
}

/// The power of two that brings the largest value of a line of the tiles to between 2¹⁴ and 2¹⁵, or as near as one can.
fn scaleOf(line: u32) -> f32 {
  return bitcast<f32>((268u - exponentOf(line)) << 23u);
}

/// One over scaleOf. WGSL's division need not be exact, even by powers of two.
fn unscaleOf(line: u32) -> f32 {
  return bitcast<f32>((exponentOf(line) - 14u) << 23u);
}

/// Of a line's largest value, 127 for 1.
fn exponentOf(line: u32) -> u32 {
  return max(atomicLoad(&largest[line]) >> 23u, 15u);
}

/// What an input holds of a value. Compilers leave a conversion to float16 and back out, and with it the rest.
fn inputOf(value: vec4f) -> vec4f {
  if (PARTS == 1u) { return value; }
  return bitcast<vec4f>(bitcast<vec4u>(value) & vec4u(0xffffe000u)); // 11 bits
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
