/**
 * How the main thread and the workers talk: 32-bit words in shared memory. `CONTROL` is a fixed block; a program is a
 * table of jobs anywhere in a memory, which the main thread writes and the workers count through.
 */

/** Byte address of the control block. Address 0 stays unused, so that 0 can mean "none" in kernel arguments. */
export const CONTROL_ADDRESS = 64;
/** First byte that the owner of the memory may use. */
export const FIRST_FREE_ADDRESS = 256;

/** Words of the control block. */
export const CONTROL = {
  /** Counts programs; workers sleep on it. */
  generation: 0,
  /** Number of the memory that holds the current program, its byte address there, and its number of jobs. */
  memory: 1,
  program: 2,
  jobs: 3,
  /** Byte address of the first worker's scratch memory, and the bytes between one worker's and the next's. */
  scratch: 4,
  scratchBytes: 5,
} as const;

/** Words of one job in a program. */
export const JOB = {
  /** Index into the list of kernels. */
  kernel: 0,
  /** Byte address of the kernel's arguments. */
  args: 1,
  /** Pieces of work, taken one by one. */
  tiles: 2,
  /** The next tile to take. */
  next: 3,
  /** Workers that found nothing left to take. */
  arrived: 4,
  /** 1 once all of them have. */
  open: 5,
  /** When the last worker arrived, microseconds since the first worker began the program. */
  finished: 6,
} as const;

/** A cache line each, so that counting tiles of one job disturbs no other. */
export const JOB_WORDS = 16;
