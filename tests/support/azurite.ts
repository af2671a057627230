// Microsoft's Azurite, a server that speaks Azure Blob Storage, from npm: installed into the user's cache folder when
// PIVOT_REQUIRE names azure, started and stopped by the tests.

import type { Requirement } from "./require.ts";

const VERSION = "3.35.0";
/** Azurite's own, published account: https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key */
const ACCOUNT = "devstoreaccount1";
const KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/** A running server. */
export interface Azurite extends AsyncDisposable {
  readonly connection: string;
  readonly container: string;
  /** `http://host:port`; the account's name is the first segment of each path. */
  readonly address: string;
  readonly account: string;
  readonly key: string;
}

/** Whether Azurite can be had. */
export function azurite(): Requirement {
  return { name: "azure", missing: install() };
}

function folder(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/tmp"}/.cache`;
  return `${cache}/pivot-test/azurite-${VERSION}`;
}

function program(): string {
  return `${folder()}/node_modules/azurite/dist/src/blob/main.js`;
}

function install(): string | undefined {
  if (exists(program())) return undefined;
  const wanted = (Deno.env.get("PIVOT_REQUIRE") ?? "").split(",").includes("azure");
  if (!wanted) return "Azurite (186 MB) is not installed; PIVOT_REQUIRE=azure fetches it";
  try {
    Deno.mkdirSync(folder(), { recursive: true });
    Deno.writeTextFileSync(`${folder()}/package.json`, "{}");
    const args = ["install", "--no-audit", "--no-fund", "--silent", `azurite@${VERSION}`];
    const { success } = new Deno.Command("npm", { args, cwd: folder(), stdout: "null", stderr: "null" }).outputSync();
    return success && exists(program()) ? undefined : "npm cannot fetch Azurite";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "there is no npm to install Azurite with";
    throw error;
  }
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Starts the server with an empty container. */
export async function startAzurite(): Promise<Azurite> {
  const child = new Deno.Command("node", {
    args: [
      program(),
      "--inMemoryPersistence",
      "--blobPort",
      "0",
      "--skipApiVersionCheck",
      "--disableTelemetry",
      "--loose",
    ],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  let address: string | undefined;
  while (address === undefined) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`Azurite ended: ${said}`);
    said += value;
    address = /successfully listen(?:s|ing) (?:on|at) (http:\/\/[\d.]+:\d+)/i.exec(said)?.[1];
  }
  const drained = (async () => {
    while (!(await reader.read()).done);
  })();
  const connection =
    `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${KEY};BlobEndpoint=${address}/${ACCOUNT};`;
  const { BlobServiceClient } = await import("@azure/storage-blob");
  const container = "pivot-test";
  await BlobServiceClient.fromConnectionString(connection).createContainer(container);
  return {
    connection,
    container,
    address,
    account: ACCOUNT,
    key: KEY,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      await drained;
    },
  };
}
