// Builds archives byte by byte, with no help from our own writer, so that every field can lie.

const encoder = new TextEncoder();

/** Fields of a forged header; what is left out is what an honest header has. */
export interface Forged {
  readonly name: string | Uint8Array;
  readonly type?: string;
  readonly content?: string | Uint8Array;
  /** Says another size than the content has. */
  readonly size?: number | string;
  readonly link?: string;
  readonly prefix?: string;
  readonly mode?: string;
  readonly mtime?: string;
  readonly magic?: string;
  /** Says another checksum. */
  readonly checksum?: string;
}

/** One member: header, content, padding. */
export function member(fields: Forged): Uint8Array {
  const content = typeof fields.content === "string"
    ? encoder.encode(fields.content)
    : fields.content ?? new Uint8Array(0);
  const block = new Uint8Array(512);
  const put = (offset: number, value: string | Uint8Array) =>
    block.set(typeof value === "string" ? encoder.encode(value) : value, offset);
  put(0, fields.name);
  put(100, fields.mode ?? "0000644\0");
  put(108, "0000000\0");
  put(116, "0000000\0");
  const size = fields.size ?? content.length;
  put(124, typeof size === "string" ? size : `${size.toString(8).padStart(11, "0")}\0`);
  put(136, fields.mtime ?? "00000000000\0");
  put(148, "        ");
  put(156, fields.type ?? "0");
  put(157, fields.link ?? "");
  put(257, fields.magic ?? "ustar\x0000");
  put(345, fields.prefix ?? "");
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, fields.checksum ?? `${sum.toString(8).padStart(6, "0")}\0 `);
  return join([block, content, new Uint8Array((512 - content.length % 512) % 512)]);
}

/** An extended header with these records. */
export function pax(records: Readonly<Record<string, string>>, type = "x"): Uint8Array {
  const text = Object.entries(records).map(([key, value]) => record(key, value)).join("");
  return member({ name: "PaxHeader", type, content: text });
}

/** A record with an honest length. */
export function record(key: string, value: string): string {
  const rest = encoder.encode(` ${key}=${value}\n`).length;
  let length = rest;
  while (String(length).length + rest !== length) length = String(length).length + rest;
  return `${length} ${key}=${value}\n`;
}

/** The two blocks that end an archive. */
export const END = new Uint8Array(1024);

/** Members one behind the other. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

/** A whole archive of these members. */
export function tar(...members: readonly Uint8Array[]): Uint8Array {
  return join([...members, END]);
}

/** A skippable zstd frame. */
export function skippable(payload: Uint8Array, magic = 0x184d2a5e): Uint8Array {
  const head = new Uint8Array(8);
  const view = new DataView(head.buffer);
  view.setUint32(0, magic, true);
  view.setUint32(4, payload.length, true);
  return join([head, payload]);
}

/** The payload of a frame label. */
export function label(rawBytes: number, continues = false, version = 1): Uint8Array {
  const payload = new Uint8Array([0x50, 0x56, 0x54, 0x46, version, continues ? 1 : 0, 0, 0, 0, 0, 0, 0]);
  new DataView(payload.buffer).setUint32(8, rawBytes, true);
  return payload;
}
