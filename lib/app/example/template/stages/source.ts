// The raw table comes with an npm package, so that the example needs no other network.

import "vega-datasets";

/** Copies Seattle's daily weather to `target`. */
export async function copyWeather(target: string): Promise<void> {
  const table = new URL("../data/seattle-weather.csv", import.meta.resolve("vega-datasets"));
  await Deno.writeTextFile(target, await Deno.readTextFile(table));
}
