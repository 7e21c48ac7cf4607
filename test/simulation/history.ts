/** What a read showed: one value, none, or several that are in conflict. */
export type Shown = number | null | readonly number[];

/**
 * One line of a history, as any outside checker can read it (docs/simulation.md, "Histories").
 *
 * `start` and `end` are nanoseconds of one monotonic clock, all different. `unknown` is neither ok nor fail: it has no end, and may
 * take effect at any later time, or never. What is below `status` is ours, for the checkers of levels weaker than LINEARIZABLE.
 */
export interface Operation {
  /** A client; a new one after every unknown outcome. */
  readonly process: number;
  readonly op: 'read' | 'write' | 'cas' | 'delete';
  readonly key: string;
  value?: Shown;
  readonly expected?: number | null;
  applied?: boolean;
  readonly start: number;
  end?: number;
  status: 'ok' | 'fail' | 'unknown';
  readonly level?: string;
  readonly gateway?: string;
  /** Why it failed. */
  code?: string;
  /** Values that this write's context had been shown, and so replaces. */
  readonly replaced?: readonly number[];
  /** The session that it was done in. */
  readonly session?: string;
  /** The operation whose answer the token came with that this one carried. */
  readonly after?: Operation | undefined;
  /** Other values that the answer of a write showed. */
  shown?: readonly number[];
  /** How long it was given, in ms. */
  readonly timeoutMs?: number;
  /** The name of a write whose outcome was unknown, as the failure gave it. */
  writeId?: string;
  /** What `resolveWrite` said of it, each time. */
  resolutions?: Resolved[];
  /** How long its slowest attempt took, in ms; undefined while the client waits. */
  tookMs?: number;
}

/** One answer about a write of unknown outcome, and when it was asked for and given. */
export interface Resolved {
  readonly answer: 'APPLIED' | 'SUPERSEDED' | 'NEVER';
  readonly start: number;
  readonly end: number;
}

/** Everything that clients did, in the order in which it began. */
export class History {
  readonly operations: Operation[] = [];
  readonly #nowMs: () => number;
  #lastNs = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  begin(what: Omit<Operation, 'start' | 'status'>): Operation {
    const operation: Operation = { ...what, start: this.tick(), status: 'unknown' };
    this.operations.push(operation);
    return operation;
  }

  /** Now, in nanoseconds; never the same twice. */
  tick(): number {
    this.#lastNs = Math.max(this.#lastNs + 1, Math.floor(this.#nowMs() * 1e6));
    return this.#lastNs;
  }
}

/** The history as JSON lines: first what every checker reads, then what is ours. */
export function printHistory(operations: readonly Operation[]): string {
  return operations.map((operation) => JSON.stringify(printed(operation))).join('\n');
}

function printed({ after: _, ...operation }: Operation): object {
  const { process, op, key, value, expected, applied, start, end, status, ...ours } = operation;
  return { process, op, key, value, expected, applied, start, end, status, ...ours };
}

/** The values of an answer, as a list. */
export function valuesOf(shown: Shown | undefined): readonly number[] {
  if (shown === undefined || shown === null) return [];
  return typeof shown === 'number' ? [shown] : shown;
}
