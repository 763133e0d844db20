import { Qwen3Error } from "../core/errors.ts";

/**
 * Imports code that needs one of the optional dependencies. They serve the command alone, and a program that uses only
 * the library may have left them out.
 *
 * @throws Qwen3Error `not-found` naming the package to install
 */
export async function withPackage<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    if (!isMissingPackage(cause, name)) throw cause;
    const message = `this command needs the package '${name}', which is not installed; run: npm install ${name}`;
    throw new Qwen3Error("not-found", message, { cause });
  }
}

/** The same for code that needs several. */
export function withPackages<Module>(names: readonly string[], load: () => Promise<Module>): Promise<Module> {
  return names.reduce((inner, name) => () => withPackage(name, inner), load)();
}

function isMissingPackage(error: unknown, name: string): boolean {
  if (!(error instanceof Error) || !("code" in error) || error.code !== "ERR_MODULE_NOT_FOUND") return false;
  return error.message.includes(`'${name}'`);
}
