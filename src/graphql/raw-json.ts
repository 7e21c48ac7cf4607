import { systemRandom } from '../runtime/random.ts';

/**
 * A JSON value as the exact text that was sent. It goes through GraphQL unread, and
 * `stringifyResult` puts the text back.
 *
 * Refused: JSON.parse on the way in and JSON.stringify on the way out, which change numbers and
 * drop members; `JSON.rawJSON`, which
 * takes scalars only.
 */
export class RawJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /**
   * Called by JSON.stringify, inside `stringifyResult` only: leaves a mark where the text belongs.
   */
  toJSON(): string {
    if (texts === undefined)
      throw new Error('a raw JSON value may only be printed by stringifyResult');
    texts.push(this.text);
    return mark;
  }
}

// 128 random bits that never leave the process: no string of a client can be taken for the mark.
const mark = systemRandom.hex(16);
const quotedMark = JSON.stringify(mark);
let texts: string[] | undefined;

/**
 * The JSON text of a result, with every `RawJson` in it as it was sent. For HTTP, server-sent
 * events and WebSocket alike.
 */
export function stringifyResult(result: unknown): string {
  const collected: string[] = [];
  texts = collected;
  let printed: string;
  try {
    printed = JSON.stringify(result);
  } finally {
    texts = undefined;
  }
  if (collected.length === 0) return printed;
  // JSON.stringify visits values in the order it prints them: the n-th mark stands for the n-th
  // text.
  const parts = printed.split(quotedMark);
  if (parts.length !== collected.length + 1) throw new Error('a mark was lost while printing');
  return parts.map((part, index) => part + (collected[index] ?? '')).join('');
}
