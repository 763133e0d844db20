// The k largest values of each row and their columns, largest first, of equal ones the lower column first; then
// log Σ exp of the row. A long row is cut into chunks, each for one workgroup; then one more workgroup brings their results
// together. Every thread keeps the best of its own columns; after each round only the winner's thread looks for its next.
//
//   x [T, K] f32 → out [T, chunks · k values, chunks · k columns, chunks sums], all f32; merging: that → [T, k, k, 1]

override threads: u32 = 64u;
/// 0 reads values, 1 what chunks gave
override merging: u32 = 0u;

struct Params {
  rows: u32,
  width: u32,        // K; when merging, the number of candidates
  chunk: u32,        // columns of a workgroup
  xStride: u32,      // between rows of x, in f32s
  outStride: u32,    // between rows of out, in f32s
  k: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

struct Candidate {
  value: f32,
  column: u32,
}

var<workgroup> best: array<Candidate, threads>;
var<workgroup> partial: array<f32, threads>;

/// What a chunk with fewer than k columns is filled with: after everything else.
const NONE = Candidate(-3.4028234e38, 0xffffffffu);

fn isBefore(a: Candidate, b: Candidate) -> bool {
  return a.value > b.value || (a.value == b.value && a.column < b.column);
}

fn candidateAt(start: u32, i: u32) -> Candidate {
  if (merging == 1u) { return Candidate(x[start + i], u32(x[start + params.width + i])); }
  return Candidate(x[start + i], i);
}

/// The first of this thread's candidates in [first, end) that stands after `last`.
fn next(start: u32, first: u32, end: u32, last: Candidate) -> Candidate {
  var found = NONE;
  for (var i = first; i < end; i += threads) {
    let candidate = candidateAt(start, i);
    if (isBefore(last, candidate) && isBefore(candidate, found)) { found = candidate; }
  }
  return found;
}

@compute @workgroup_size(threads)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) thread: u32) {
  let row = group.z * groups.y + group.y;
  if (row >= params.rows) { return; } // the whole workgroup, so barriers stay uniform
  let start = row * params.xStride;
  let result = row * params.outStride;
  let first = group.x * params.chunk + thread;
  let end = min(group.x * params.chunk + params.chunk, params.width);
  let results = groups.x * params.k;

  var own = next(start, first, end, Candidate(3.4028234e38, 0u));
  var largest = 0.0;
  for (var i = 0u; i < params.k; i++) {
    best[thread] = own;
    for (var half = threads / 2u; half > 0u; half /= 2u) {
      workgroupBarrier();
      if (thread < half && isBefore(best[thread + half], best[thread])) { best[thread] = best[thread + half]; }
    }
    workgroupBarrier();
    let winner = best[0];
    if (i == 0u) { largest = winner.value; }
    if (thread == 0u) {
      out[result + group.x * params.k + i] = winner.value;
      out[result + results + group.x * params.k + i] = f32(winner.column);
    }
    if (own.column == winner.column) { own = next(start, first, end, winner); }
    workgroupBarrier();
  }

  var sum = 0.0;
  if (merging == 1u) {
    for (var i = thread; i < params.width / params.k; i += threads) { sum += exp(x[start + 2u * params.width + i] - largest); }
  } else {
    for (var i = first; i < end; i += threads) { sum += exp(x[start + i] - largest); }
  }
  partial[thread] = sum;
  for (var half = threads / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { partial[thread] += partial[thread + half]; }
  }
  if (thread == 0u) { out[result + 2u * results + group.x] = largest + log(partial[0]); }
}
