// Work done side by side, answers taken in order. Invariant: never more than `width` answers under way or waiting, and
// nothing is left running unobserved when the consumer stops early.

/** Runs `work` on items, up to `width` at once, and yields the results in the items' order. */
export async function* inOrder<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  width: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const running: Promise<Result>[] = [];
  try {
    for await (const item of items) {
      const answer = work(item);
      // Its rejection is met when its turn comes; until then it must not count as unhandled.
      answer.catch(() => {});
      running.push(answer);
      if (running.length >= Math.max(1, width)) yield await (running.shift() as Promise<Result>);
    }
    while (running.length > 0) yield await (running.shift() as Promise<Result>);
  } finally {
    await Promise.allSettled(running);
  }
}
