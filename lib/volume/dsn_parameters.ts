// Splitting a DSN's query. Invariant: a name given twice with different values is an error, never the last one wins.

/** Parses `a=1&b=2`; a value may itself contain `=`, `?` and percent-encoding. */
export function readParameters(query: string, fail: (why: string) => Error): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const part of query.split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    if (equals <= 0) throw fail(`"${part}" has no ${equals < 0 ? "value" : "name"}`);
    const name = decode(part.slice(0, equals), fail);
    const value = decode(part.slice(equals + 1), fail);
    const before = parameters.get(name);
    if (before !== undefined && before !== value) throw fail(`"${name}" is given twice, with different values`);
    parameters.set(name, value);
  }
  return parameters;
}

/** Undoes percent-encoding. */
export function decode(text: string, fail: (why: string) => Error): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw fail(`"${text}" is not percent-encoded as it should be`);
  }
}

/** A store URL's scheme, all before its `?`, and its query. */
export function splitStoreUrl(url: string): { readonly scheme: string; readonly base: string; readonly query: string } {
  const mark = url.indexOf("?");
  const base = (mark < 0 ? url : url.slice(0, mark)).replace(/(?<=[^/:])\/+$/, "");
  const colon = base.indexOf("://");
  return { scheme: colon < 0 ? base : base.slice(0, colon), base, query: mark < 0 ? "" : url.slice(mark + 1) };
}
