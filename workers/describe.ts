// What runs in the process that imports a user's module to learn what it declares. Thin: describing is lib/pipeline's work.

import { toWire } from "../lib/core/mod.ts";
import { type DescribeAnswer, describeExports, type DescribeRequest } from "../lib/pipeline/mod.ts";

/** Imports the module through `load`, writes the answer to standard output and ends the process. */
export async function describe(request: DescribeRequest, load: () => Promise<unknown>): Promise<never> {
  const bytes = new TextEncoder().encode(`\n\x1e${request.nonce} ${JSON.stringify(await answer(request, load))}\n`);
  for (let sent = 0; sent < bytes.length;) sent += Deno.stdout.writeSync(bytes.subarray(sent));
  Deno.exit(0);
}

async function answer(request: DescribeRequest, load: () => Promise<unknown>): Promise<DescribeAnswer> {
  try {
    const module = await load() as Record<string, unknown>;
    const about = { path: request.modulePath, rootUrl: request.rootUrl };
    return { type: "declared", declarations: describeExports(module, about) };
  } catch (thrown) {
    return { type: "failed", error: toWire(thrown) };
  }
}
