/** One recorded operation, seen only by the values it reads and writes. Values are numbered from 0 in recording order. */
export interface Step {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

export interface SlotPlan {
  /** Slot of every value; −1 for a value that no step writes. */
  readonly slotOf: readonly number[];
  /** Size of every slot, in the unit of the sizes given. */
  readonly slotSizes: readonly number[];
}

/**
 * Gives every value a slot so that values alive at the same time never share one: a value lives from the step that
 * writes it to the last step that reads it, or to the end if it is kept. A step's outputs never share a slot with its
 * inputs. Greedy best fit, which for a decoder's chain of layers reaches the minimum of a handful of slots.
 *
 * @param sizes size of every value
 * @param kept values that are read after the last step
 */
export function assignSlots(steps: readonly Step[], sizes: readonly number[], kept: ReadonlySet<number>): SlotPlan {
  const lastUse = lastUses(steps, sizes.length);
  const slotOf = Array.from(sizes, () => -1);
  const slotSizes: number[] = [];
  const free = new Set<number>();
  for (const [index, { inputs, outputs }] of steps.entries()) {
    const release = (value: number): void => {
      const slot = slotOf[value] ?? -1;
      if (slot >= 0 && lastUse[value] === index && !kept.has(value)) free.add(slot);
    };
    for (const value of outputs) slotOf[value] = takeSlot(free, slotSizes, sizes[value] ?? 0);
    for (const value of inputs) release(value);
    for (const value of outputs) release(value);
  }
  return { slotOf, slotSizes };
}

/** The last step that reads each value, or writes it where none does. */
function lastUses(steps: readonly Step[], values: number): Int32Array {
  const last = new Int32Array(values);
  for (const [index, { inputs, outputs }] of steps.entries()) {
    for (const value of outputs) last[value] = index;
    for (const value of inputs) last[value] = index;
  }
  return last;
}

/** The smallest free slot that is large enough; else the largest free one, grown; else a new one. */
function takeSlot(free: Set<number>, slotSizes: number[], size: number): number {
  let best = -1;
  for (const slot of free) {
    if (best < 0 || isBetterFit(slotSizes[slot] ?? 0, slotSizes[best] ?? 0, size)) best = slot;
  }
  if (best < 0) return slotSizes.push(size) - 1;
  free.delete(best);
  slotSizes[best] = Math.max(slotSizes[best] ?? 0, size);
  return best;
}

function isBetterFit(candidate: number, current: number, size: number): boolean {
  if (candidate >= size && current >= size) return candidate < current;
  return candidate > current;
}
