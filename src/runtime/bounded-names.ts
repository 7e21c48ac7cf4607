/**
 * Names as labels of a metric, of which there may be only so many: the first that come keep theirs,
 * all later ones share one. A label costs memory here and in every collector, for as long as both
 * live; so the busiest cannot be let in later in place of another.
 */
export class BoundedNames {
  readonly #names = new Set<string>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  /** No name has brackets, so nobody is taken for the others. */
  of(name: string): string {
    if (this.#names.has(name)) return name;
    if (this.#names.size >= this.#max) return '(others)';
    this.#names.add(name);
    return name;
  }
}
