/**
 * WebGPU's flags. The specification fixes the numbers; spelled out here because Node has no global `GPUBufferUsage`, and
 * a library should not add one.
 */
export const BufferUsage = {
  mapRead: 1,
  copySrc: 4,
  copyDst: 8,
  uniform: 64,
  storage: 128,
  queryResolve: 512,
} as const;

export const MAP_MODE_READ = 1;
export const SHADER_STAGE_COMPUTE = 4;
