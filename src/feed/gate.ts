/**
 * Lets a bounded number of tasks run at once; the others wait in line.
 *
 * Thousands of subscriptions may open in one moment, and each has to read a little of every log:
 * one after the other they take a while, all at once they would time one another out.
 */
export class Gate {
  readonly #widthMax: number;
  readonly #line: (() => void)[] = [];
  #running = 0;

  constructor(widthMax: number) {
    this.#widthMax = widthMax;
  }

  /** Runs the task when it is its turn. */
  async pass<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#widthMax)
      await new Promise<void>((resolve) => this.#line.push(resolve));
    else this.#running++;
    try {
      return await task();
    } finally {
      const next = this.#line.shift();
      if (next)
        next(); // it takes over our place
      else this.#running--;
    }
  }
}
