/** Run by tests as a process of its own: fetches the model named on its command line, as the environment says. */
import { resolveModel } from "../../../src/weights/index.ts";

const [source, revision] = process.argv.slice(2);
try {
  const onProgress = ({ completed, total }: { completed: number; total: number }): void => {
    process.stderr.write(`${completed}/${total}\n`);
  };
  const model = await resolveModel(source, { revision, onProgress });
  process.stdout.write(`${JSON.stringify(model)}\n`);
} catch (error) {
  process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
