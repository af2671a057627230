// Runs npm's s3rver as a process of its own until it is told to stop. Prints one line, its port, when it listens.

import S3rver from "s3rver";

const [directory, ...buckets] = Deno.args;
const server = new S3rver({
  address: "127.0.0.1",
  port: 0,
  silent: true,
  directory,
  resetOnClose: false,
  configureBuckets: buckets.map((name) => ({ name, configs: [] })),
});
const address: { port: number } = await server.run();
console.log(address.port);
