// Keeps secrets out of output. Invariant: a secret is found also when its bytes come in several chunks; what might be the
// beginning of one is held back until it is decided.

/** Turns chunks into text without secrets. */
export interface Redactor {
  /** Takes a chunk. @returns what can be shown by now. */
  push(chunk: Uint8Array): string;
  /** Ends the stream. @returns what was held back. */
  end(): string;
}

/** Makes a redactor for one stream. Empty secrets are none. */
export function createRedactor(secrets: readonly string[]): Redactor {
  // Longest first, so that a secret that contains another one goes as a whole.
  const known = [...new Set(secrets)].filter((secret) => secret !== "").sort((a, b) => b.length - a.length);
  const decoder = new TextDecoder();
  let held = "";
  const take = (text: string, last: boolean): string => {
    held += text;
    let shown = "";
    let at = 0;
    while (at < held.length) {
      const secret = known.find((each) => held.startsWith(each, at));
      const undecided = !last &&
        known.some((each) =>
          held.length - at < each.length && each.length > (secret?.length ?? 0) && each.startsWith(held.slice(at))
        );
      if (undecided) break;
      shown += secret === undefined ? held[at] : "***";
      at += secret?.length ?? 1;
    }
    held = held.slice(at);
    return shown;
  };
  if (known.length === 0) {
    return {
      push: (chunk) => decoder.decode(chunk, { stream: true }),
      end: () => decoder.decode(),
    };
  }
  return {
    push: (chunk) => take(decoder.decode(chunk, { stream: true }), false),
    end: () => take(decoder.decode(), true),
  };
}
