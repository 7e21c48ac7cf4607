/** Where tokens outlive the page: `sessionStorage`, which every tab has for itself. */
export interface TokenStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export interface SessionTokensOptions {
  /** A token to begin with: of the server that rendered the page, for one. */
  readonly token?: string | undefined;
  readonly storage?: TokenStorage | undefined;
  /** The name in the storage; one for each tenant, where a page has several. */
  readonly storageKey?: string | undefined;
}

/**
 * What a session knows: the tokens that say together all that it has seen.
 *
 * Two operations that run side by side are both sent the token T and answered with A and B, each T
 * and what that operation saw. To keep only the last would forget the other's. So an answer takes
 * the place of the tokens that its operation was sent, and of no others: after A and B both are
 * held, the next operation sends both, and the gateway answers with one that says the same.
 *
 * Law: no token is let go of but for an answer that covers it.
 * Law: of answers as many are held, at most, as operations were under way at once. (Of two that are
 * held neither was sent with the other's operation, so these overlapped; and intervals that overlap
 * in pairs have a moment in common.) Events of subscriptions come on top, each with its own.
 */
export class SessionTokens {
  readonly #storage: TokenStorage | undefined;
  readonly #storageKey: string;
  readonly #held: Set<string>;

  constructor({ token, storage, storageKey = 'quorate-session' }: SessionTokensOptions = {}) {
    this.#storage = storage;
    this.#storageKey = storageKey;
    this.#held = new Set([...tokensIn(this.#stored()), ...tokensIn(token)]);
  }

  /** What an operation sends now, commas between; empty when nothing was seen yet. */
  get text(): string {
    return this.first(Infinity);
  }

  get count(): number {
    return this.#held.size;
  }

  /** The tokens that have been held for the longest time, commas between. */
  first(count: number): string {
    return [...this.#held].slice(0, count).join(',');
  }

  /** The answer to an operation that was sent `sent` covers it, and takes its place. */
  replace(sent: string, received: string): void {
    for (const token of tokensIn(sent)) this.#held.delete(token);
    this.add(received);
  }

  /** Something was seen that says nothing of what was seen before. */
  add(received: string): void {
    for (const token of tokensIn(received)) this.#held.add(token);
    this.#store();
  }

  /** Lets go of these tokens; of all when none are named. */
  forget(text = this.text): void {
    for (const token of tokensIn(text)) this.#held.delete(token);
    this.#store();
  }

  #stored(): string {
    try {
      return this.#storage?.getItem(this.#storageKey) ?? '';
    } catch {
      return ''; // a page that may not store anything has its session in memory
    }
  }

  #store(): void {
    try {
      if (this.#held.size === 0) this.#storage?.removeItem(this.#storageKey);
      else this.#storage?.setItem(this.#storageKey, this.text);
    } catch {
      // Full, or forbidden: the session lives on in memory, and ends with the page.
    }
  }
}

function tokensIn(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((token) => token.trim())
    .filter((token) => token !== '');
}
