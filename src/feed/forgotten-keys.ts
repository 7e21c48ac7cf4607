/** Bits of the filter: a hundred thousand names at one wrong "perhaps" in fifty, in 128 KB. */
const bits = 2 ** 20;
const probes = 4;

/**
 * Names of keys, remembered roughly: `has` says "perhaps" or "certainly not". Takes no room until
 * there is one to remember, and never more than it takes then; with too many names it says "perhaps"
 * of all.
 *
 * Source: Bloom, "Space/Time Trade-offs in Hash Coding with Allowable Errors", 1970; the probes are
 * those of Kirsch and Mitzenmacher, "Less Hashing, Same Performance", 2006.
 */
export class ForgottenKeys {
  #words: Uint32Array | undefined;

  add(key: string): void {
    this.#words ??= new Uint32Array(bits / 32);
    for (const at of placesOf(key)) this.#words[at >>> 5] = (this.#words[at >>> 5] ?? 0) | bit(at);
  }

  has(key: string): boolean {
    const words = this.#words;
    return (
      words !== undefined && placesOf(key).every((at) => ((words[at >>> 5] ?? 0) & bit(at)) !== 0)
    );
  }
}

function bit(at: number): number {
  return 1 << (at & 31);
}

function placesOf(key: string): readonly number[] {
  let one = 0x811c9dc5;
  let two = 0x9747b28c;
  for (let index = 0; index < key.length; index += 1) {
    const unit = key.charCodeAt(index);
    one = Math.imul(one ^ unit, 0x01000193);
    two = Math.imul(two ^ unit, 0x5bd1e995);
    two ^= two >>> 15;
  }
  const step = (two ^ (two >>> 13)) | 1;
  return Array.from(
    { length: probes },
    (_, probe) => ((one + Math.imul(probe, step)) >>> 0) % bits,
  );
}
