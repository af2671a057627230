// A real S3 server for tests. `PIVOT_TEST_S3_ENDPOINT` points the same tests at another one (with the bucket in
// `PIVOT_TEST_S3_BUCKET` and the usual AWS variables); with `PIVOT_TEST_VERSITYGW` that program is used; else s3rver is started and stopped here.

/** A server that answers. */
export interface S3Server extends AsyncDisposable {
  readonly endpoint: string;
  readonly bucket: string;
  /** It lacks what any other server has: order of keys, abort, conditions. */
  readonly weak: boolean;
  /** What processes that talk to it need in their environment. */
  readonly env: Readonly<Record<string, string>>;
}

const BUCKET = "pivot-test";

/** Starts a server, or finds the one that the environment names. Sets the AWS variables of this process. */
export async function startS3(): Promise<S3Server> {
  const given = Deno.env.get("PIVOT_TEST_S3_ENDPOINT");
  if (given !== undefined) {
    const bucket = Deno.env.get("PIVOT_TEST_S3_BUCKET") ?? BUCKET;
    return { endpoint: given, bucket, weak: false, env: {}, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const gateway = Deno.env.get("PIVOT_TEST_VERSITYGW");
  if (gateway !== undefined) return await startGateway(gateway);
  const folder = Deno.makeTempDirSync();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", new URL("./s3_server.ts", import.meta.url).pathname, folder, BUCKET],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const port = await firstLine(child.stdout);
  const env = { AWS_ACCESS_KEY_ID: "S3RVER", AWS_SECRET_ACCESS_KEY: "S3RVER", AWS_REGION: "us-east-1" };
  for (const [name, value] of Object.entries(env)) Deno.env.set(name, value);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    bucket: BUCKET,
    weak: true,
    env,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      Deno.removeSync(folder, { recursive: true });
    },
  };
}

/** versitygw, a complete server over a folder; `PIVOT_TEST_VERSITYGW` names its program. */
async function startGateway(program: string): Promise<S3Server> {
  const [folder, records] = [Deno.makeTempDirSync(), Deno.makeTempDirSync({ prefix: "s3-records-" })];
  Deno.mkdirSync(`${folder}/${BUCKET}`);
  const port = freePort();
  const env = { AWS_ACCESS_KEY_ID: "pivot-test", AWS_SECRET_ACCESS_KEY: "pivot-test-secret", AWS_REGION: "us-east-1" };
  for (const [name, value] of Object.entries(env)) Deno.env.set(name, value);
  const child = new Deno.Command(program, {
    args: ["--port", `127.0.0.1:${port}`, "--quiet", "posix", "--sidecar", records, folder],
    env: { ROOT_ACCESS_KEY: env.AWS_ACCESS_KEY_ID, ROOT_SECRET_KEY: env.AWS_SECRET_ACCESS_KEY },
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  await answers(port);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    bucket: BUCKET,
    weak: false,
    env,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      for (const each of [folder, records]) Deno.removeSync(each, { recursive: true });
    },
  };
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function answers(port: number): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  throw new Error("the S3 server did not listen within 10 s");
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error("the S3 server ended before it listened");
    text += value;
  }
  await reader.cancel();
  return text.trim();
}
