// Which row of a later table was which row of the earlier one, where no key tells: equal rows in order first (patience diff, then
// E. W. Myers, "An O(ND) Difference Algorithm", 1986), then rows between them that share most cells. Pure.
// Invariants: matches never cross; work is bounded, and where the bound is met rows are matched by a column that tells
// them, or by position.

import { canonicalJson, type Json } from "../core/mod.ts";
import type { Row } from "./data_rows.ts";

/** Steps of the search for equal rows in blocks without a row that occurs once on both sides. */
const MAX_STEPS = 20_000_000;
/** Differing rows within one such block; the trace takes the square of it. */
const MAX_EDITS = 2_000;
/** Cells that are compared to find which rows are alike. */
const MAX_CELLS = 20_000_000;
/** A pair of rows counts as so many cells at least, since each takes memory too. */
const LEAST_COLUMNS = 4;

/** Rows from and to on both sides that are not matched yet. */
interface Block {
  readonly a: number;
  readonly aEnd: number;
  readonly b: number;
  readonly bEnd: number;
}

/** A position on each side. */
type Match = readonly [a: number, b: number];

/**
 * Aligns two tables by what their rows hold in the columns that both have.
 *
 * @returns For each later row the position (from 0) of its earlier one, or -1. Positions other than -1 only grow.
 */
export function alignRows(before: readonly Row[], now: readonly Row[]): Int32Array {
  return new Alignment(before, now).run();
}

class Alignment {
  readonly #columns: readonly string[];
  readonly #before: readonly Row[];
  readonly #now: readonly Row[];
  readonly #a: Int32Array;
  readonly #b: Int32Array;
  readonly #found: Int32Array;
  #steps = MAX_STEPS;
  #cells = MAX_CELLS;

  constructor(before: readonly Row[], now: readonly Row[]) {
    this.#before = before;
    this.#now = now;
    this.#columns = commonColumns(before, now);
    const ids = new Map<string, number>();
    const idOf = (row: Row): number => {
      const text = canonicalJson(this.#columns.map((column) => cell(row, column)));
      const known = ids.get(text) ?? ids.size;
      ids.set(text, known);
      return known;
    };
    this.#a = Int32Array.from(before, idOf);
    this.#b = Int32Array.from(now, idOf);
    this.#found = new Int32Array(now.length).fill(-1);
  }

  run(): Int32Array {
    const pending: Block[] = [{ a: 0, aEnd: this.#a.length, b: 0, bEnd: this.#b.length }];
    for (let block = pending.pop(); block !== undefined; block = pending.pop()) {
      const rest = this.#withoutEnds(block);
      if (rest.a === rest.aEnd || rest.b === rest.bEnd) continue;
      const anchors = this.#anchors(rest);
      if (anchors.length > 0) pending.push(...this.#take(anchors, rest));
      else for (const gap of this.#take(this.#commonRows(rest), rest)) pending.push(...this.#pairAlike(gap));
    }
    return this.#found;
  }

  /** Matches what a block begins and ends with on both sides; what is left. */
  #withoutEnds(block: Block): Block {
    let { a, aEnd, b, bEnd } = block;
    while (a < aEnd && b < bEnd && this.#a[a] === this.#b[b]) this.#found[b++] = a++;
    while (a < aEnd && b < bEnd && this.#a[aEnd - 1] === this.#b[bEnd - 1]) this.#found[--bEnd] = --aEnd;
    return { a, aEnd, b, bEnd };
  }

  /** Records matches; the blocks between them. */
  #take(matches: readonly Match[], block: Block): Block[] {
    const blocks: Block[] = [];
    let { a, b } = block;
    for (const [nextA, nextB] of [...matches, [block.aEnd, block.bEnd] as const]) {
      if (a < nextA && b < nextB) blocks.push({ a, aEnd: nextA, b, bEnd: nextB });
      if (nextB < block.bEnd) this.#found[nextB] = nextA;
      [a, b] = [nextA + 1, nextB + 1];
    }
    return blocks;
  }

  /** Rows that occur once on both sides of a block: as many as do not cross. `ids` are those of the block alone. */
  #anchors({ a, aEnd, b, bEnd }: Block, ids = { a: this.#a.subarray(a, aEnd), b: this.#b.subarray(b, bEnd) }): Match[] {
    const onceInA = positionsOfUnique(ids.a, a);
    const onceInB = positionsOfUnique(ids.b, b);
    const pairs: Match[] = [];
    for (const [id, at] of onceInB) {
      const from = onceInA.get(id);
      if (from !== undefined) pairs.push([from, at]);
    }
    return longestRising(pairs.sort(([, x], [, y]) => x - y));
  }

  /** The longest list of equal rows in order; empty where finding it would take too long. */
  #commonRows(block: Block): readonly Match[] {
    if (!this.#shareRows(block)) return [];
    const trace: Int32Array[] = [];
    const [n, m] = [block.aEnd - block.a, block.bEnd - block.b];
    const most = Math.min(n + m, MAX_EDITS);
    const furthest = new Int32Array(2 * most + 3);
    for (let edits = 0; edits <= most; edits++) {
      trace.push(furthest.slice(most + 1 - edits, most + 2 + edits));
      for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
        const x = this.#slide(block, { diagonal, from: stepInto(furthest, most + 1 + diagonal, edits, diagonal) });
        furthest[most + 1 + diagonal] = x;
        if (x >= n && x - diagonal >= m) return this.#traceBack(trace, block);
        if (this.#steps <= 0) return [];
      }
    }
    return [];
  }

  #shareRows({ a, aEnd, b, bEnd }: Block): boolean {
    const ids = new Set(this.#a.subarray(a, aEnd));
    return this.#b.subarray(b, bEnd).some((id) => ids.has(id));
  }

  /** How far equal rows lead along a diagonal. */
  #slide(
    { a, aEnd, b, bEnd }: Block,
    { diagonal, from }: { readonly diagonal: number; readonly from: number },
  ): number {
    let x = from;
    while (a + x < aEnd && b + x - diagonal < bEnd && this.#a[a + x] === this.#b[b + x - diagonal]) x++;
    this.#steps -= x - from + 1;
    return x;
  }

  #traceBack(trace: readonly Int32Array[], { a, aEnd, b, bEnd }: Block): Match[] {
    const found: Match[] = [];
    let [x, y] = [aEnd - a, bEnd - b];
    for (let edits = trace.length - 1; edits >= 0; edits--) {
      const row = trace[edits] ?? new Int32Array();
      const diagonal = x - y;
      const start = edits === 0 ? 0 : stepInto(row, edits + diagonal, edits, diagonal);
      while (x > start && y > start - diagonal) found.push([a + --x, b + --y]);
      if (edits === 0) break;
      const down = cameFromAbove(row, edits + diagonal, edits, diagonal);
      [x, y] = down ? [x, y - 1] : [x - 1, y];
    }
    return found.reverse();
  }

  /** Rows that share most cells, in order; where that is too much to look at, by a column that tells rows, or by position. */
  #pairAlike(block: Block): Block[] {
    const { a, aEnd, b, bEnd } = block;
    const [n, m] = [aEnd - a, bEnd - b];
    const cells = n * m * Math.max(LEAST_COLUMNS, this.#columns.length);
    if (cells <= this.#cells) {
      this.#cells -= cells;
      this.#take(this.#alikeRows(block), block);
      return [];
    }
    const told = this.#anchorsByColumn(block);
    if (told.length > 0) return this.#take(told, block);
    for (let at = 0; at < Math.min(n, m); at++) this.#found[b + at] = a + at;
    return [];
  }

  /** Rows that one column tells apart on both sides, if it does so for at least every other row. */
  #anchorsByColumn(block: Block): Match[] {
    const fewest = Math.min(block.aEnd - block.a, block.bEnd - block.b) / 2;
    let best: Match[] = [];
    for (const column of this.#columns) {
      const ids = new Map<string, number>();
      const idOf = (row: Row) => {
        const text = canonicalJson(cell(row, column));
        const known = ids.get(text) ?? ids.size;
        ids.set(text, known);
        return known;
      };
      const pairs = this.#anchors(block, {
        a: Int32Array.from(this.#before.slice(block.a, block.aEnd), idOf),
        b: Int32Array.from(this.#now.slice(block.b, block.bEnd), idOf),
      });
      if (pairs.length > best.length && pairs.length >= fewest) best = pairs;
    }
    return best;
  }

  /** The pairs, none crossing, with the most equal cells; being a pair at all counts as one more. */
  #alikeRows({ a, aEnd, b, bEnd }: Block): Match[] {
    const [n, m] = [aEnd - a, bEnd - b];
    const width = m + 1;
    const score = new Int32Array(n * m);
    // Best sum of what follows each pair of positions.
    const best = new Int32Array((n + 1) * width);
    for (let i = n - 1; i >= 0; i--) {
      for (let j = m - 1; j >= 0; j--) {
        const own = 1 + this.#equalCells(a + i, b + j);
        score[i * m + j] = own;
        best[i * width + j] = Math.max(
          own + (best[(i + 1) * width + j + 1] ?? 0),
          best[(i + 1) * width + j] ?? 0,
          best[i * width + j + 1] ?? 0,
        );
      }
    }
    const found: Match[] = [];
    for (let i = 0, j = 0; i < n && j < m;) {
      const here = best[i * width + j];
      if (here === (score[i * m + j] ?? 0) + (best[(i + 1) * width + j + 1] ?? 0)) found.push([a + i++, b + j++]);
      else if (here === best[(i + 1) * width + j]) i++;
      else j++;
    }
    return found;
  }

  #equalCells(a: number, b: number): number {
    const [before, now] = [this.#before[a] ?? {}, this.#now[b] ?? {}];
    let equal = 0;
    for (const column of this.#columns) if (sameCell(cell(before, column), cell(now, column))) equal++;
    return equal;
  }
}

/** Whether the best way to a diagonal adds a later row (down) or drops an earlier one. */
function cameFromAbove(furthest: Int32Array, at: number, edits: number, diagonal: number): boolean {
  return diagonal === -edits || diagonal !== edits && (furthest[at - 1] ?? 0) < (furthest[at + 1] ?? 0);
}

function stepInto(furthest: Int32Array, at: number, edits: number, diagonal: number): number {
  if (edits === 0) return 0;
  return cameFromAbove(furthest, at, edits, diagonal) ? furthest[at + 1] ?? 0 : (furthest[at - 1] ?? 0) + 1;
}

/** Positions, counted from `first`, of what occurs once. */
function positionsOfUnique(ids: Int32Array, first: number): Map<number, number> {
  const found = new Map<number, number>();
  for (const [at, id] of ids.entries()) found.set(id, found.has(id) ? -1 : first + at);
  for (const [id, at] of found) if (at < 0) found.delete(id);
  return found;
}

/** The longest part of the list, in its order, whose first positions only grow (patience sorting). */
function longestRising(pairs: readonly Match[]): Match[] {
  const tops: number[] = [];
  const below = new Int32Array(pairs.length).fill(-1);
  for (const [at, [position]] of pairs.entries()) {
    let [low, high] = [0, tops.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[tops[middle] ?? 0]?.[0] ?? 0) < position) low = middle + 1;
      else high = middle;
    }
    below[at] = low === 0 ? -1 : tops[low - 1] ?? -1;
    tops[low] = at;
  }
  const found: Match[] = [];
  for (let at = tops.at(-1) ?? -1; at >= 0; at = below[at] ?? -1) {
    const pair = pairs[at];
    if (pair !== undefined) found.push(pair);
  }
  return found.reverse();
}

function commonColumns(before: readonly Row[], now: readonly Row[]): string[] {
  const names = (rows: readonly Row[]) => {
    const found = new Set<string>();
    for (const row of rows) for (const column of Object.keys(row)) found.add(column);
    return found;
  };
  return [...names(before).intersection(names(now))];
}

/** Columns may be called as the methods of objects are. */
function cell(row: Row, column: string): Json {
  return Object.hasOwn(row, column) ? row[column] ?? null : null;
}

function sameCell(a: Json, b: Json): boolean {
  return a === b || typeof a === "object" && typeof b === "object" && canonicalJson(a) === canonicalJson(b);
}
