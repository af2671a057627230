/**
 * What the rooms above use of S3 itself, beside the port: a client, its errors in our words, retries.
 *
 * @module
 */

export { createS3Client, type S3ClientOptions, type S3Place } from "./s3_client.ts";
export { isMiss, isUnsupported, s3Problem, statusOf } from "./s3_problems.ts";
export { remoteProblem } from "./problems.ts";
export { measured } from "./measured.ts";
export { Retry, type RetryOptions } from "./retry.ts";
export type { CallOptions } from "./backend.ts";
