// The bytes of an answer, counted. Invariant: a body ends well only if exactly as many bytes came as were announced.

import { messageOf } from "../../core/mod.ts";
import type { CallOptions } from "./backend.ts";
import { remoteProblem } from "./problems.ts";

/** What is known of an answer. */
export interface Measure extends CallOptions {
  /** Bytes that were announced. */
  readonly length: number;
  /** The URL as shown to people. */
  readonly url: string;
  /** What was tried, for messages. */
  readonly tried: string;
}

/** The bytes of an answer; fails unless exactly as many came as were announced. */
export function measured(
  source: AsyncIterable<Uint8Array> & { destroy(): void },
  about: Measure,
): ReadableStream<Uint8Array> {
  const { length, url, tried, signal } = about;
  const chunks = source[Symbol.asyncIterator]();
  let seen = 0;
  const broken = (cause: unknown) => remoteProblem("interrupted", { url, tried, said: messageOf(cause) });
  return new ReadableStream({
    async pull(controller) {
      let next: IteratorResult<Uint8Array>;
      try {
        next = await chunks.next();
      } catch (error) {
        signal?.throwIfAborted();
        throw error instanceof Error && /checksum/i.test(error.name + error.message)
          ? remoteProblem("bad-checksum", { url, tried })
          : broken(error);
      }
      if (next.done === true) {
        if (seen !== length) throw broken(`${seen} of ${length} bytes came`);
        return controller.close();
      }
      seen += next.value.length;
      if (seen > length) throw broken(`more than ${length} bytes came`);
      controller.enqueue(next.value);
    },
    cancel: () => source.destroy(),
  }, { highWaterMark: 0 });
}
