import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { distinctPassages } from "../../../src/cli/search/distinct.ts";
import { splitFile } from "../../../src/cli/search/split.ts";

describe("distinctPassages", () => {
  it("puts the file's name and the titles before what is embedded", () => {
    const [guide] = distinctPassages(splitFile("docs/user-guide.md", "# Guide\n\n## Install\n\nRun it.\n"));
    assert.equal(guide?.embedded, "user guide › Guide › Install\n# Guide\n\n## Install\n\nRun it.");
  });

  it("leaves imports out, and passages that hold nothing else", () => {
    const imports = 'import { a } from "./a.ts";\nimport type {\n  B,\n} from "b";\nexport * from "./c.ts";\n';
    assert.deepEqual(distinctPassages(splitFile("index.ts", 'export { a } from "./a.ts";\n')), []);
    const [passage] = distinctPassages(splitFile("use-a.ts", `${imports}\na();\n`));
    assert.match(passage?.embedded ?? "", /^use a\nimport type \{\n {2}B,\n\na\(\);$/);
  });

  it("keeps equal texts once, with the places of the others", () => {
    const files = ["a/x.md", "b/y.md", "c/z.md"].flatMap((path) =>
      splitFile(path, path.startsWith("c") ? "C\n" : "A\n"),
    );
    assert.deepEqual(
      distinctPassages(files).map(({ passage, copies }) => [passage.path, ...copies.map(({ path }) => path)]),
      [["a/x.md", "b/y.md"], ["c/z.md"]],
    );
  });
});
