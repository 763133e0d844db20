// What tells a damaged copy of weights from a sound one. bytes → 32 bytes for each block

@unmanaged
class Checksum {
  from: usize;
  /** A multiple of 16. */
  bytes: u32;
  /** Two vectors per block. */
  out: usize;
}

/** Bytes of one block: the launcher uses the same number (load-quantized.ts). */
const BLOCK_BYTES: u32 = 1 << 20;

/** Of the words in each lane their sum, and the sum of all its intermediate values, which depends on their order. */
export function checksum(args: Checksum, block: i32, _scratch: usize): void {
  const start = <u32>block * BLOCK_BYTES;
  const end = args.from + min(args.bytes, start + BLOCK_BYTES);
  let sum = i32x4.splat(0), sums = sum;
  for (let at = args.from + start; at < end; at += 16) {
    sum = i32x4.add(sum, v128.load(at));
    sums = i32x4.add(sums, sum);
  }
  const out = args.out + (<usize>block << 5);
  v128.store(out, sum);
  v128.store(out, sums, 16);
}
