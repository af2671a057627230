// A bound on bytes held in memory. Invariant: who waits is served in order, so a large claim is not starved by small ones.

/** Hands out claims up to a sum of bytes. */
export class ByteBudget {
  readonly #total: number;
  #free: number;
  readonly #waiting: { readonly bytes: number; readonly grant: () => void }[] = [];

  /** @param bytes May be claimed at once. A larger claim waits for all of it. */
  constructor(bytes: number) {
    this.#total = bytes;
    this.#free = bytes;
  }

  /** Waits for `bytes`; dispose the claim to give them back. */
  async claim(bytes: number): Promise<Disposable> {
    const taken = Math.min(bytes, this.#total);
    if (this.#waiting.length > 0 || this.#free < taken) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push({ bytes: taken, grant: resolve });
      await promise;
    } else this.#free -= taken;
    return { [Symbol.dispose]: () => this.#giveBack(taken) };
  }

  #giveBack(bytes: number): void {
    this.#free += bytes;
    for (let next = this.#waiting[0]; next !== undefined && next.bytes <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= next.bytes;
      next.grant();
    }
  }
}
