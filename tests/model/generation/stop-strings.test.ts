import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { StopStrings } from "../../../src/model/generation/stop-strings.ts";

describe("StopStrings", () => {
  it("holds back what may be the beginning of one", () => {
    const stops = new StopStrings(["</s>", "END"]);
    assert.deepEqual(stops.push("a <"), { text: "a ", stopped: false });
    assert.deepEqual(stops.push("/b E"), { text: "</b ", stopped: false });
    assert.deepEqual(stops.push("N"), { text: "", stopped: false });
    assert.deepEqual(stops.push("DED"), { text: "", stopped: true });
  });
  it("gives back at the end what was none", () => {
    const stops = new StopStrings(["END"]);
    assert.deepEqual(stops.push("the EN"), { text: "the ", stopped: false });
    assert.equal(stops.flush(), "EN");
  });
  it("finds the first of several in any cut of any text", () => {
    const text = fc.stringMatching(/^[ab]{0,20}$/);
    fc.assert(
      fc.property(fc.array(text), fc.array(fc.stringMatching(/^[ab]{1,4}$/), { maxLength: 3 }), (pieces, list) => {
        const whole = pieces.join("");
        const ends = list.map((stop) => whole.indexOf(stop)).filter((at) => at >= 0);
        const stops = new StopStrings(list);
        let shown = "";
        let stopped = false;
        for (const piece of pieces) {
          if (stopped) break;
          const step = stops.push(piece);
          shown += step.text;
          ({ stopped } = step);
        }
        if (!stopped) shown += stops.flush();
        assert.equal(stopped, ends.length > 0);
        // A shorter stop string that ends earlier wins over a longer one that begins earlier but is not complete yet.
        if (stopped) assert.ok(list.some((stop) => whole.startsWith(stop, shown.length)) && whole.startsWith(shown));
        else assert.equal(shown, whole);
      }),
    );
  });
});
