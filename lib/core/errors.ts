// The one error family. Invariant: an error that crosses a worker or process border
// comes back with the same class, code, data, hint and cause chain.

/** What kind of thing went wrong; decides the exit code. */
export type ErrorKind =
  | "failed"
  | "usage"
  | "invalid"
  | "would-run"
  | "no-project"
  | "locked"
  | "integrity"
  | "remote"
  | "driver"
  | "bug"
  | "interrupted";

/** Process exit code per kind of error. */
export const EXIT_CODES: Readonly<Record<ErrorKind, number>> = {
  "failed": 1,
  "usage": 2,
  "invalid": 3,
  "would-run": 4,
  "no-project": 10,
  "locked": 11,
  "integrity": 12,
  "remote": 13,
  "driver": 14,
  "bug": 70,
  "interrupted": 130,
};

/** A place in a file that a person can open: 1-based line and column. */
export interface SourceSpot {
  /** Path as the person would type it, relative to the project where possible. */
  readonly file: string;
  /** 1-based. */
  readonly line?: number;
  /** 1-based. */
  readonly column?: number;
}

/** Options of {@linkcode PivotError}. */
export interface PivotErrorOptions {
  /** Stable kebab-case identifier, for programs. */
  readonly code: string;
  /** What kind of thing went wrong. @default "failed" */
  readonly kind?: ErrorKind;
  /** What the reader can do about it. */
  readonly hint?: string;
  /** Plain JSON facts about the failure. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** Where the reader should look. */
  readonly spot?: SourceSpot;
  /** What was caught. */
  readonly cause?: unknown;
}

/**
 * Every failure that Pivot reports on purpose.
 *
 * @example
 * ```ts
 * import { PivotError } from "@pivot/pivot";
 * const error = new PivotError(`cannot read "data.csv": not found`, {
 *   code: "dependency-missing",
 *   kind: "invalid",
 *   hint: "create the file or declare the stage that makes it",
 * });
 * console.assert(error.exitCode === 3);
 * ```
 */
export class PivotError extends Error {
  /** `PivotError`, or the name of a subclass. */
  override readonly name: string = "PivotError";
  /** Stable kebab-case identifier. */
  readonly code: string;
  /** What kind of thing went wrong; decides the exit code. */
  readonly kind: ErrorKind;
  /** What the reader can do about it. */
  readonly hint: string | undefined;
  /** Plain JSON facts about the failure. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Where the reader should look. */
  readonly spot: SourceSpot | undefined;

  /** Makes an error. @param message What was tried, on what, and the state found; no period at its end. */
  constructor(message: string, options: PivotErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.kind = options.kind ?? "failed";
    this.hint = options.hint;
    this.data = options.data ?? {};
    this.spot = options.spot;
  }

  /** The process exit code that this error maps to. */
  get exitCode(): number {
    return EXIT_CODES[this.kind];
  }
}

/** Several findings at once, each an error of its own (validation reports all of them). */
export class PivotFindings extends PivotError {
  /** Always `PivotFindings`. */
  override readonly name = "PivotFindings";
  /** Every finding, in the order in which they were made. */
  readonly findings: readonly PivotError[];

  /** Gathers findings. @param findings At least one; the kind of the first is the kind of the whole. */
  constructor(message: string, findings: readonly PivotError[]) {
    super(message, { code: "findings", kind: findings[0]?.kind ?? "invalid" });
    this.findings = findings;
  }
}

/** The JSON form of an error, as it is posted between workers and processes. */
export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
  readonly kind?: ErrorKind;
  readonly hint?: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly spot?: SourceSpot;
  readonly cause?: WireError;
  readonly findings?: readonly WireError[];
}

const MAX_CAUSES = 8;

/** Turns anything thrown into its wire form. */
export function toWire(thrown: unknown, depth = 0): WireError {
  if (!(thrown instanceof Error)) return { name: "Error", message: String(thrown) };
  const cause = thrown.cause === undefined || depth >= MAX_CAUSES ? undefined : toWire(thrown.cause, depth + 1);
  const base: WireError = {
    name: thrown.name,
    message: thrown.message,
    ...(thrown.stack === undefined ? {} : { stack: thrown.stack }),
    ...(cause === undefined ? {} : { cause }),
  };
  if (!(thrown instanceof PivotError)) return base;
  return {
    ...base,
    code: thrown.code,
    kind: thrown.kind,
    data: thrown.data,
    ...(thrown.hint === undefined ? {} : { hint: thrown.hint }),
    ...(thrown.spot === undefined ? {} : { spot: thrown.spot }),
    ...(thrown instanceof PivotFindings ? { findings: thrown.findings.map((finding) => toWire(finding)) } : {}),
  };
}

/** Rebuilds the error that {@linkcode toWire} flattened. */
export function fromWire(wire: WireError): Error {
  const cause = wire.cause === undefined ? undefined : fromWire(wire.cause);
  const error = rebuild(wire, cause);
  if (wire.stack !== undefined) error.stack = wire.stack;
  return error;
}

function rebuild(wire: WireError, cause: Error | undefined): Error {
  if (wire.code === undefined) {
    const error = new Error(wire.message, cause === undefined ? undefined : { cause });
    error.name = wire.name;
    return error;
  }
  if (wire.findings !== undefined) {
    const findings = wire.findings.map(fromWire).filter((each) => each instanceof PivotError);
    return new PivotFindings(wire.message, findings);
  }
  return new PivotError(wire.message, {
    code: wire.code,
    ...(wire.kind === undefined ? {} : { kind: wire.kind }),
    ...(wire.hint === undefined ? {} : { hint: wire.hint }),
    ...(wire.data === undefined ? {} : { data: wire.data }),
    ...(wire.spot === undefined ? {} : { spot: wire.spot }),
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Wraps what was thrown in a {@linkcode PivotError} unless it is one already. */
export function asPivotError(thrown: unknown, fallback: PivotErrorOptions & { message: string }): PivotError {
  if (thrown instanceof PivotError) return thrown;
  return new PivotError(fallback.message, { ...fallback, cause: thrown });
}

/** The message of anything thrown, for use inside a longer message. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
