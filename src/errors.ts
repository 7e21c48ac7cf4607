/** Whether the failed request may have left something behind. */
export type Outcome = 'NONE' | 'UNKNOWN';

/**
 * THE TABLE of failures: what a client may do about each, and whether something may have been
 * written.
 * It is the public contract (docs/consistency.md, "Outcomes"); a code that is not here is never
 * sent.
 */
export const failures = {
  BAD_USER_INPUT: { retry: false, outcome: 'NONE', http: 400 },
  UNAUTHENTICATED: { retry: false, outcome: 'NONE', http: 401 },
  FORBIDDEN: { retry: false, outcome: 'NONE', http: 403 },
  KEYSPACE_NOT_FOUND: { retry: false, outcome: 'NONE', http: 200 },
  LIMIT_EXCEEDED: { retry: true, outcome: 'NONE', http: 429 },
  OVERLOADED: { retry: true, outcome: 'NONE', http: 503 },
  QUORUM_UNAVAILABLE: { retry: true, outcome: 'NONE', http: 200 },
  READ_TIMEOUT: { retry: true, outcome: 'NONE', http: 200 },
  SESSION_UNSATISFIED: { retry: true, outcome: 'NONE', http: 200 },
  LEVEL_NOT_ALLOWED: { retry: false, outcome: 'NONE', http: 200 },
  TOO_MANY_SIBLINGS: { retry: false, outcome: 'NONE', http: 200 },
  CONTENDED: { retry: true, outcome: 'NONE', http: 200 },
  WRITE_UNCERTAIN: { retry: false, outcome: 'UNKNOWN', http: 200 },
  INTERNAL_SERVER_ERROR: { retry: false, outcome: 'UNKNOWN', http: 500 },
} as const satisfies Record<string, { retry: boolean; outcome: Outcome; http: number }>;

export type FailureCode = keyof typeof failures;

/**
 * The one error class above the coordinator. `details` go to the client as they are, in
 * `extensions`: plain JSON, no secrets.
 * A failure that came half-way may say `outcome: 'UNKNOWN'` in its details; it then overrides the
 * table. One that would come again however long one waits says `retryable: false`.
 */
export class StoreError extends Error {
  readonly code: FailureCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: FailureCode, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = 'StoreError';
    this.code = code;
    this.details = details;
  }

  get retryable(): boolean {
    return failures[this.code].retry && this.details['retryable'] !== false;
  }

  get outcome(): Outcome {
    return this.details['outcome'] === 'UNKNOWN' ? 'UNKNOWN' : failures[this.code].outcome;
  }
}

/**
 * A refusal at the door, of which there may be thousands a second: it is thrown where it is made, and
 * nobody asks from where. Taking down the stack would be a tenth of what it costs to refuse.
 */
export function withoutStack(make: () => StoreError): StoreError {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** A refused argument: names the field, the limit it broke and (shortened) what it was. */
export function badInput(
  message: string,
  field: string,
  more: { limit?: unknown; value?: unknown } = {},
): StoreError {
  return new StoreError('BAD_USER_INPUT', message, { field, ...more });
}

/** A retry of a write that was settled as one that never took place, and never will. */
export function fencedRetry(): StoreError {
  return badInput(
    'Argument "idempotencyKey" names a write that was settled as not done, and fenced: write again under another one',
    'idempotencyKey',
  );
}

/**
 * An idempotency key that comes again with other arguments: a mistake, not a retry. `UNKNOWN` when
 * that was found too late to write nothing.
 */
export function otherArguments(outcome: Outcome = 'NONE'): StoreError {
  return new StoreError(
    'BAD_USER_INPUT',
    'Argument "idempotencyKey" was used for this key with other arguments too: a retry must repeat the first request',
    { field: 'idempotencyKey', ...(outcome === 'UNKNOWN' ? { outcome } : {}) },
  );
}
