import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "puppeteer-core";
import { launch } from "puppeteer-core";

/** No sandbox and no zygote: containers forbid both. */
const FLAGS = ["--no-sandbox", "--no-zygote", "--disable-gpu"];

/**
 * A headless Chromium that comes with its libraries and fonts from npm, so that the machine needs none of its own. The
 * package was made for AWS Lambda: its libraries for Amazon Linux are unpacked only if it finds itself there.
 */
export async function startBrowser(): Promise<Browser> {
  const folder = mkdtempSync(join(tmpdir(), "qwen3-browser-"));
  const { TMPDIR } = process.env;
  Object.assign(process.env, { TMPDIR: folder, AWS_LAMBDA_JS_RUNTIME: "nodejs22.x" });
  try {
    const { default: chromium } = await import("@sparticuz/chromium");
    const executablePath = await chromium.executablePath();
    const env = { ...process.env, FONTCONFIG_FILE: fontConfig(folder) };
    const userDataDir = join(folder, "profile"); // else puppeteer removes its own at the same time as we do
    const browser = await launch({ executablePath, args: FLAGS, headless: "shell", env, userDataDir });
    browser.on("disconnected", () => remove(folder));
    return browser;
  } catch (error) {
    remove(folder);
    throw error;
  } finally {
    if (TMPDIR === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = TMPDIR;
  }
}

/** Tries again for a while: Chromium's processes still write when it has said good-bye. */
function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}

/** The package's own configuration names folders of AWS Lambda, and without any font a text field ends the browser. */
function fontConfig(folder: string): string {
  const file = join(folder, "qwen3-fonts.conf");
  const directories = `<dir>${join(folder, "fonts")}</dir><cachedir>${join(folder, "font-cache")}</cachedir>`;
  writeFileSync(
    file,
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>${directories}</fontconfig>`,
  );
  return file;
}
