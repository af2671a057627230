// Many tasks, some at once. Invariant: a failure starts no further task and is thrown only when all that were started have ended.

/** Runs `act` on every item, `width` at a time. */
export async function eachBounded<Item>(
  items: readonly Item[],
  width: number,
  act: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const failures: unknown[] = [];
  const lane = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const index = next++;
      try {
        await act(items[index] as Item, index);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(Math.max(1, width), items.length) }, lane));
  if (failures.length > 0) throw failures[0];
}
