// A time to live: `90m`, `24h`, `7d`, `2w`, or several together as `1d12h`.

const UNIT_MS: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3, w: 604_800e3 };

/** @returns Milliseconds, more than 0. */
export function parseTtl(text: string, fail: (why: string) => Error): number {
  if (!/^(\d+[smhdw])+$/.test(text)) throw fail(`"${text}" is no time to live; write 90m, 24h, 7d or 2w`);
  const total = [...text.matchAll(/(\d+)([smhdw])/g)]
    .reduce((sum, [, count, unit]) => sum + Number(count) * (UNIT_MS[unit ?? ""] ?? 0), 0);
  if (total <= 0 || !Number.isSafeInteger(total)) throw fail(`a time to live of "${text}" makes no sense`);
  return total;
}
