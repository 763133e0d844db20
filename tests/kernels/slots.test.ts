import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { assignSlots, type Step } from "../../src/kernels/slots.ts";

/** Random programs in which step i writes value i and reads some earlier values. */
const programs = fc.array(
  fc.record({ size: fc.integer({ min: 1, max: 9 }), reads: fc.array(fc.nat(), { maxLength: 3 }) }),
  {
    minLength: 1,
    maxLength: 30,
  },
);

describe("assignSlots", () => {
  it("never lets a slot's next owner overwrite a value that is still read", () => {
    fc.assert(
      fc.property(programs, fc.nat(), (program, keptSeed) => {
        const steps: Step[] = program.map(({ reads }, i) => ({
          inputs: i === 0 ? [] : reads.map((r) => r % i),
          outputs: [i],
        }));
        const sizes = program.map(({ size }) => size);
        const kept = new Set([keptSeed % program.length]);
        const { slotOf, slotSizes } = assignSlots(steps, sizes, kept);
        const owner = new Map<number, number>();
        for (const [i, step] of steps.entries()) {
          for (const value of step.inputs)
            assert.equal(owner.get(slotOf[value] ?? -1), value, `step ${i} reads ${value}`);
          const slot = slotOf[i] ?? -1;
          assert.ok((slotSizes[slot] ?? 0) >= (sizes[i] ?? 0));
          assert.ok(!step.inputs.some((value) => slotOf[value] === slot), `step ${i} writes over its input`);
          owner.set(slot, i);
        }
        for (const value of kept) assert.equal(owner.get(slotOf[value] ?? -1), value);
      }),
    );
  });

  it("runs a chain of residual layers in three slots", () => {
    const steps: Step[] = [{ inputs: [], outputs: [0] }];
    for (let layer = 0; layer < 28; layer++) {
      const x = 2 * layer;
      steps.push({ inputs: [x], outputs: [x + 1] }, { inputs: [x, x + 1], outputs: [x + 2] });
    }
    const { slotSizes } = assignSlots(
      steps,
      steps.map(() => 1),
      new Set([56]),
    );
    assert.equal(slotSizes.length, 3);
  });
});
