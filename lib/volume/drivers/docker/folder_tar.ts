// A tar of folders that anyone may write to, by which the engine sets their modes. Plain ustar with pax paths, since paths may
// be long.

const BLOCK = 512;

/** @param paths Absolute; parents are left as they are. */
export function folderTar(paths: readonly string[]): Uint8Array<ArrayBuffer> {
  const parts = paths.flatMap((path) => {
    const name = `${path.replace(/^\/+/, "")}/`;
    const record = new TextEncoder().encode(paxRecord("path", name));
    const padded = new Uint8Array(Math.ceil(record.length / BLOCK) * BLOCK);
    padded.set(record);
    return [header("pax", "x", record.length), padded, header("folder/", "5", 0)];
  });
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0) + 2 * BLOCK);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** A record says how long it is, that figure included. */
function paxRecord(key: string, value: string): string {
  const rest = new TextEncoder().encode(` ${key}=${value}\n`).length;
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length += 1;
  return `${length} ${key}=${value}\n`;
}

function header(name: string, type: string, size: number): Uint8Array {
  const bytes = new Uint8Array(BLOCK);
  const put = (text: string, at: number) => bytes.set(new TextEncoder().encode(text), at);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  put(name, 0);
  put(`${octal(0o777, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0${octal(size, 11)}\0${octal(0, 11)}\0`, 100);
  put("        ", 148);
  put(type, 156);
  put("ustar\x0000", 257);
  put(`${octal(bytes.reduce((sum, byte) => sum + byte, 0), 6)}\0 `, 148);
  return bytes;
}
