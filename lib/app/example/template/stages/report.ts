// The page that people read.

type Row = Readonly<Record<string, string>>;

/** What the report is written from. */
export interface Parts {
  readonly months: Readonly<Record<string, { readonly meanHigh: number; readonly hotDays: number }>>;
  readonly warmth: unknown;
  readonly wetness: unknown;
  readonly hottest: readonly Row[];
  readonly station: string;
}

/** The report as Markdown. */
export function writeReport({ months, warmth, wetness, hottest, station }: Parts): string {
  const figures = Object.entries({ ...(warmth as object), ...(wetness as object) });
  const lines = [
    "# Seattle's weather",
    "",
    station.trim(),
    "",
    ...figures.map(([name, value]) => `- ${name}: ${value}`),
    "",
    "| month | mean high (C) | hot days |",
    "| ----- | ------------: | -------: |",
    ...Object.entries(months).map(([file, month]) =>
      `| ${file.slice(0, 2)}    | ${month.meanHigh} | ${month.hotDays} |`
    ),
    "",
    `The hottest days: ${hottest.map((row) => `${row.date} (${row.high} C)`).join(", ")}.`,
    "",
    "![Rain per month](plots/rain.svg)",
    "",
  ];
  return lines.join("\n");
}
