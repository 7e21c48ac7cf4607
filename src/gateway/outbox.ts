import { stringifyResult } from '../graphql/raw-json.ts';
import { systemRandom } from '../runtime/random.ts';

/**
 * Carries a printed result past graphql-ws, which prints messages itself and knows nothing of exact
 * JSON: the message holds a mark in
 * the result's place, and the mark is exchanged for the text as the message is sent.
 */
export interface Outbox {
  /** What graphql-ws is given as the payload. */
  wrap(result: object): { toJSON(): string };
  /**
   * The message as it goes out. Called right after the message was printed, with no turn of the
   * event loop between.
   */
  unwrap(message: string): string;
}

// 128 random bits that never leave the process: nothing a client sends can be taken for the mark.
const mark = systemRandom.hex(16);
const quotedMark = JSON.stringify(mark);

export function createOutbox(): Outbox {
  let pending: string | undefined;
  return {
    wrap: (result) => ({
      toJSON() {
        pending = stringifyResult(result);
        return mark;
      },
    }),
    unwrap(message) {
      if (pending === undefined) return message;
      const text = pending;
      pending = undefined;
      const at = message.lastIndexOf(quotedMark);
      if (at < 0) throw new Error('a result was printed, but another message is being sent');
      return message.slice(0, at) + text + message.slice(at + quotedMark.length);
    },
  };
}
