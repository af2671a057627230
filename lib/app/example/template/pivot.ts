// Four years of Seattle's weather: fetch -> prepare -> two analyses and a shell command -> report.
// `deno task pivot run` brings everything up to date; run it twice to see it do nothing.

import { csv, dep, incremental, json, jsonl, metric, out, plot, stage, text } from "@pivot/pivot";
import { copyWeather } from "./stages/source.ts";
import { type Day, ofSeason, toDays, toRows } from "./stages/days.ts";
import { byMonth, summarise, toCurve } from "./stages/monthly.ts";
import { drawRain, rainByMonth } from "./stages/rain.ts";
import { writeReport } from "./stages/report.ts";

/** The table that ships with the npm package vega-datasets. */
export const fetch = stage({
  outs: { weather: out("data/weather.csv") },
  run: (_deps, { outs }) => copyWeather(outs.weather),
});

/** Keeps the years that count, with numbers as numbers. */
export const prepare = stage({
  deps: { weather: dep("data/weather.csv", csv()) },
  outs: { days: out("data/days.json", json<readonly Day[]>({ indent: 0 })), table: out("data/days.csv", csv()) },
  params: { firstYear: 2012, lastYear: 2015 },
  run: ({ weather }, { params, log }) => {
    const days = toDays(weather, params);
    log(`${days.length} of ${weather.length} days`);
    return { days, table: toRows(days) };
  },
});

/** One file per month, and the figures of the warmest. */
export const monthly = stage({
  deps: { days: prepare.outs.days },
  outs: {
    months: out("data/monthly/", json()),
    warmth: metric("metrics/warmth.json"),
    curve: plot("plots/warmth.csv", csv(), { x: "month", y: "high", title: "Mean high per month (C)" }),
  },
  run: ({ days }) => {
    const months = byMonth(days);
    return { months, warmth: summarise(months), curve: toCurve(months) };
  },
});

/** How much it rains, as a picture and as figures. */
export const rain = stage({
  deps: { days: prepare.outs.days },
  outs: { wetness: metric("metrics/rain.json"), picture: plot("plots/rain.svg", text(), { title: "Rain per month" }) },
  params: { wetDayMm: 1 },
  run: ({ days }, { params }) => {
    const months = rainByMonth(days, params.wetDayMm);
    return { wetness: { wetDays: months.reduce((sum, month) => sum + month.wetDays, 0) }, picture: drawRain(months) };
  },
});

/** One stage per season, `season@winter` and `season@summer`. */
export const season = stage({
  deps: { days: prepare.outs.days },
  outs: { days: out("data/seasons/{season}.json", json<readonly Day[]>({ indent: 0 })) },
  matrix: { season: ["winter", "summer"] },
  run: ({ days }, { params }) => ({ days: ofSeason(days, String(params.season)) }),
});

/** Grows by one line with every result that differs. */
export const diary = stage({
  deps: { warmth: monthly.outs.warmth },
  outs: { diary: incremental("diary.jsonl", jsonl<unknown>()) },
  run: ({ warmth }, { previous }) => ({ diary: [...previous.diary as readonly unknown[], warmth] }),
});

/** A shell command is a stage too. pivot.yaml has another. */
export const hottest = stage({
  cmd: "{ head -n 1 data/days.csv; tail -n +2 data/days.csv | sort -t, -k2 -rn | head -n 5; } > data/hottest.csv",
  deps: { table: prepare.outs.table },
  outs: { hottest: out("data/hottest.csv", csv()) },
});

/** All of it on one page. */
export const report = stage({
  deps: {
    months: monthly.outs.months,
    warmth: monthly.outs.warmth,
    wetness: rain.outs.wetness,
    hottest: hottest.outs.hottest,
    // Data that no stage makes: `pivot track notes/station.md` keeps it in the cache.
    station: dep("notes/station.md", text()),
  },
  outs: out("report.md", text()),
  run: (parts) => writeReport(parts),
});
