// What an adapter can do at most: multiply-adds in registers, and reading from memory.

@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> sink: array<vec4f>;

override turns: u32 = 32u;
override invocations: u32 = 65536u;

// Four independent chains of vec4 hide the latency of a multiply-add and still fit a CPU's registers; eight steps a turn,
// 256 operations, as a loop costs a software adapter more than a multiply-add.
@compute @workgroup_size(64)
fn multiplyAdd(@builtin(global_invocation_id) id: vec3u) {
  let a = source[id.x % 64u];
  let b = source[id.x % 64u + 64u];
  var c0 = a; var c1 = a + 1.0; var c2 = a + 2.0; var c3 = a + 3.0;
  for (var i = 0u; i < turns; i++) {
    c0 = c0 * b + a; c1 = c1 * b + a; c2 = c2 * b + a; c3 = c3 * b + a;
    c0 = c0 * b + a; c1 = c1 * b + a; c2 = c2 * b + a; c3 = c3 * b + a;
    c0 = c0 * b + a; c1 = c1 * b + a; c2 = c2 * b + a; c3 = c3 * b + a;
    c0 = c0 * b + a; c1 = c1 * b + a; c2 = c2 * b + a; c3 = c3 * b + a;
    c0 = c0 * b + a; c1 = c1 * b + a; c2 = c2 * b + a; c3 = c3 * b + a;
    c0 = c0 * b + a; c1 = c1 * b + a; c2 = c2 * b + a; c3 = c3 * b + a;
    c0 = c0 * b + a; c1 = c1 * b + a; c2 = c2 * b + a; c3 = c3 * b + a;
    c0 = c0 * b + a; c1 = c1 * b + a; c2 = c2 * b + a; c3 = c3 * b + a;
  }
  sink[id.x % 64u] = c0 + c1 + c2 + c3;
}

// Neighbours read neighbouring vec4s, each every `invocations`-th.
@compute @workgroup_size(64)
fn readMemory(@builtin(global_invocation_id) id: vec3u) {
  let count = arrayLength(&source);
  var sum = vec4f();
  for (var i = id.x; i < count; i += invocations) { sum += source[i]; }
  if (sum.x == 12345.678) { sink[0] = sum; }
}
