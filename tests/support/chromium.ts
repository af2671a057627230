// Real headless Chromium, of Debian's package, driven by playwright-core.

import type { Browser, Page } from "playwright-core";
import type { Requirement } from "./require.ts";

const PROGRAMS = [Deno.env.get("PIVOT_TEST_CHROMIUM"), "/usr/bin/chromium", "/usr/bin/chromium-browser"];

function program(): string | undefined {
  return PROGRAMS.find((path) => {
    try {
      return path !== undefined && Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/** Chromium, if it is installed. */
export const chromium: Requirement = {
  name: "chromium",
  missing: program() === undefined ? "there is no Chromium; install Debian's package chromium" : undefined,
};

/** A page, and what it complained of or asked the network for. */
export interface WatchedPage {
  readonly page: Page;
  readonly complaints: readonly string[];
}

/** Opens a file in a browser of its own and hands it to `use`. */
export async function withPage(
  file: string,
  use: (watched: WatchedPage) => Promise<void>,
  options: { readonly dark?: boolean; readonly width?: number; readonly height?: number } = {},
): Promise<void> {
  const { chromium: engine } = await import("playwright-core");
  const browser: Browser = await engine.launch({ executablePath: program() ?? "", args: ["--no-sandbox"] });
  try {
    const complaints: string[] = [];
    const page = await browser.newPage({
      viewport: { width: options.width ?? 1200, height: options.height ?? 800 },
      colorScheme: options.dark === true ? "dark" : "light",
    });
    page.on("console", (message) => void complaints.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => void complaints.push(`error: ${error.message}`));
    page.on("request", (request) => {
      if (!/^(data|file):/.test(request.url())) complaints.push(`request: ${request.url()}`);
    });
    await page.goto(`file://${encodeURI(file)}`);
    await use({ page, complaints });
  } finally {
    await browser.close();
  }
}
