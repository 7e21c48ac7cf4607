/** Signatures that are kept in each of two generations, and the longest message of them. */
const generationMax = 8_192;
const messageMax = 512;
/** Places in which it is noted what was signed once; a power of two. */
const notedMax = 65_536;

/**
 * What has been signed more than once, so that it is not signed again: who reads a key is given the
 * token that the last reader of it was given, and signing costs more than all else of a token.
 *
 * Signing is a pure function of the message, so nothing here can be stale. What is signed once only (the
 * tokens of writes) is not kept: a note of four bytes of its signature says whether it came before,
 * as the doorkeeper of TinyLFU has it (Einziger, Friedman, Manes, 2017). Bounded by two generations
 * of so many short messages; what is used stays in the young one.
 */
export class SignedBefore {
  #young = new Map<string, string>();
  #old = new Map<string, string>();
  readonly #noted = new Uint32Array(notedMax);

  find(message: string): string | undefined {
    if (message.length > messageMax) return undefined;
    const young = this.#young.get(message);
    if (young !== undefined) return young;
    const old = this.#old.get(message);
    if (old !== undefined) this.#keep(message, old);
    return old;
  }

  /** A message that was not found has been signed. */
  signed(message: string, mac: Buffer, token: string): void {
    if (message.length > messageMax) return;
    const place = mac.readUInt32LE(0) % notedMax;
    const name = mac.readUInt32LE(4);
    if (this.#noted[place] === name) this.#keep(message, token);
    else this.#noted[place] = name;
  }

  #keep(message: string, token: string): void {
    if (this.#young.size >= generationMax) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(message, token);
  }
}
