// Why a stage does what it does, as lines. Data in, text out.

/** One changed symbol. */
export interface ExplainedSymbol {
  /** What became of it. */
  readonly change: "added" | "removed" | "changed";
  /** `function:mean`. */
  readonly symbol: string;
  /** Hash in the record; null if it was not there. */
  readonly old: string | null;
  /** Hash now; null if it is gone. */
  readonly new: string | null;
  /** `stages/numbers.ts:4`. */
  readonly place?: string;
  /** From the stage's own symbol to this one. */
  readonly chain: readonly string[];
}

/** One stage, explained. */
export interface Explanation {
  /** The stage's name. */
  readonly stage: string;
  /** `skip`, `run`, … */
  readonly verdict: string;
  /** The reason that a person is told first. */
  readonly headline: string;
  /** Further reasons, the headline not repeated, code changes aside. */
  readonly reasons: readonly string[];
  /** Changed code. */
  readonly symbols: readonly ExplainedSymbol[];
  /** Doubts worth knowing. */
  readonly warnings: readonly string[];
}

const WORDS: Readonly<Record<string, string>> = {
  skip: "up to date",
  restore: "will be restored",
  run: "will run",
  pending: "waits",
  blocked: "cannot run",
};

/** What is doubtful, each doubt once, for a set of explanations. */
export function explanationNotes(explanations: readonly Explanation[]): string[] {
  return [...new Set(explanations.flatMap((each) => each.warnings))].map((warning) => `note: ${warning}`);
}

/** The explanation as lines: a headline, then every reason, each changed symbol with its hashes, place and chain. */
export function renderExplanation(explanation: Explanation): string[] {
  const { stage, verdict, headline, reasons, symbols } = explanation;
  return [
    `${stage}: ${WORDS[verdict] ?? verdict}, ${headline}`,
    ...reasons.map((reason) => `  ${reason}`),
    ...symbols.flatMap(symbolLines),
  ];
}

function symbolLines(symbol: ExplainedSymbol): string[] {
  const hashes = `${symbol.old ?? "none"} -> ${symbol.new ?? "none"}`;
  const place = symbol.place === undefined ? "" : `  ${symbol.place}`;
  const lines = [`  ${symbol.change} ${symbol.symbol}  ${hashes}${place}`];
  if (symbol.chain.length > 2) lines.push(`    reached by ${symbol.chain.join(" > ")}`);
  return lines;
}
