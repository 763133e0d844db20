/**
 * Loaded before every test file. While a GPU works, Dawn's binding asks for its state in every turn of the event loop, which
 * takes half of two cores from adapters that compute on them themselves. Here it asks every millisecond; answers stay the same.
 */
const immediately = globalThis.setImmediate;

/** As Dawn's callback is. So are bound functions, which a millisecond does no harm. */
function isNative(callback: (...args: never[]) => unknown): boolean {
  return Function.prototype.toString.call(callback).includes("[native code]");
}

function patiently(callback: (...args: unknown[]) => void, ...args: unknown[]): NodeJS.Immediate | NodeJS.Timeout {
  return isNative(callback) ? setTimeout(callback, 1, ...args) : immediately(callback, ...args);
}

const promisified = Object.getOwnPropertyDescriptors(immediately);
globalThis.setImmediate = Object.defineProperties(patiently, promisified) as typeof setImmediate;
