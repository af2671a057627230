// Days as the analyses want them.

/** One day's weather. */
export interface Day {
  /** `2012-01-31`. */
  readonly date: string;
  /** Degrees Celsius. */
  readonly high: number;
  readonly low: number;
  /** Millimetres. */
  readonly rain: number;
}

type Row = Readonly<Record<string, string>>;

/** Reads the table's rows and keeps the years from `firstYear` to `lastYear`. */
export function toDays(rows: readonly Row[], years: { readonly firstYear: number; readonly lastYear: number }): Day[] {
  return rows.map(toDay).filter((day) => {
    const year = Number(day.date.slice(0, 4));
    return year >= years.firstYear && year <= years.lastYear;
  });
}

function toDay(row: Row): Day {
  return {
    date: row.date ?? "",
    high: Number(row.temp_max),
    low: Number(row.temp_min),
    rain: Number(row.precipitation),
  };
}

/** Rows for a table: date, high, low, rain. */
export function toRows(days: readonly Day[]): Row[] {
  return days.map((day) => ({ date: day.date, high: String(day.high), low: String(day.low), rain: String(day.rain) }));
}

const SEASONS: Readonly<Record<string, readonly string[]>> = {
  winter: ["12", "01", "02"],
  summer: ["06", "07", "08"],
};

/** The days of a season, over all years. */
export function ofSeason(days: readonly Day[], season: string): Day[] {
  return days.filter((day) => SEASONS[season]?.includes(day.date.slice(5, 7)));
}
