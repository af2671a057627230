// The process that imports a user's module to learn what it declares. Thin: describing is lib/pipeline's work.

import { toWire } from "../lib/core/mod.ts";
import { type DescribeAnswer, describeExports, type DescribeRequest } from "../lib/pipeline/mod.ts";

async function answer(request: DescribeRequest): Promise<DescribeAnswer> {
  try {
    const module = await import(request.moduleUrl) as Record<string, unknown>;
    const about = { path: request.modulePath, rootUrl: request.rootUrl };
    return { type: "declared", declarations: describeExports(module, about) };
  } catch (thrown) {
    return { type: "failed", error: toWire(thrown), capability: thrown instanceof Deno.errors.NotCapable };
  }
}

const request = JSON.parse(await new Response(Deno.stdin.readable).text()) as DescribeRequest;
const bytes = new TextEncoder().encode(`\n\x1e${request.nonce} ${JSON.stringify(await answer(request))}\n`);
for (let sent = 0; sent < bytes.length;) sent += Deno.stdout.writeSync(bytes.subarray(sent));
Deno.exit(0);
