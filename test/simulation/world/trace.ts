import { createHash } from 'node:crypto';

/** What happened, line by line; two runs of one seed give the same bytes. */
export interface Trace {
  add(atMs: number, line: string): void;
  /** SHA-1 over all lines so far. */
  hash(): string;
  readonly lines: readonly string[];
}

/** A trace that is only kept when someone wants it: writing it costs more than the run itself. */
export function createTrace(how: 'none' | 'hash' | 'lines'): Trace {
  const sum = createHash('sha1');
  const lines: string[] = [];
  return {
    lines,
    add(atMs, line) {
      if (how === 'none') return;
      const text = `${atMs.toFixed(3)} ${line}\n`;
      sum.update(text);
      if (how === 'lines') lines.push(text);
    },
    hash: () => sum.copy().digest('hex'),
  };
}
