import { Agent, request } from 'node:http';
import type { LevelName } from '../../src/consistency/levels.ts';

/** What a request came to when it was refused: what the gateway says in `extensions`. */
export class Refused extends Error {
  readonly code: string;
  readonly outcome: 'NONE' | 'UNKNOWN';

  constructor(message: string, extensions: { code?: string; outcome?: 'NONE' | 'UNKNOWN' }) {
    super(message);
    this.code = extensions.code ?? 'NO_CODE';
    this.outcome = extensions.outcome ?? 'UNKNOWN';
  }
}

/** Nobody listens there: certainly nothing was sent. */
export class GatewayDown extends Error {}

/** The connection ended before the answer came: a gateway that was killed, most likely. */
export class CutOff extends Error {}

/** No answer at all, long after the request's own time was up. */
export class NoAnswer extends Error {}

/** One key as the answer shows it. */
export interface Answer {
  readonly session: string;
  readonly context: string;
  /** Live versions, newest first. */
  readonly values: readonly number[];
  readonly applied: boolean | undefined;
}

/** What one request names. */
export interface Ask {
  readonly keyspace: string;
  readonly key: string;
  readonly level?: LevelName;
  readonly session?: string | undefined;
  readonly context?: string | undefined;
  readonly value?: number;
  readonly expect?: { readonly absent: true } | { readonly value: number };
  readonly idempotencyKey?: string | undefined;
}

export type Field = 'get' | 'put' | 'delete' | 'compareAndSet';

const shown = 'session entry { current { context siblings { value deleted } } }';

const documents: Readonly<Record<Field, string>> = {
  get: `query Get($keyspace: String!, $key: String!, $level: ConsistencyLevel, $session: SessionToken) {
    answer: get(keyspace: $keyspace, key: $key, consistency: $level, session: $session) { ${shown} }
  }`,
  put: `mutation Put($keyspace: String!, $key: String!, $value: JSON!, $context: CausalContext, $level: ConsistencyLevel, $session: SessionToken, $idempotencyKey: String) {
    answer: put(keyspace: $keyspace, key: $key, value: $value, context: $context, consistency: $level, session: $session, idempotencyKey: $idempotencyKey) { ${shown} }
  }`,
  delete: `mutation Delete($keyspace: String!, $key: String!, $context: CausalContext, $level: ConsistencyLevel, $session: SessionToken, $idempotencyKey: String) {
    answer: delete(keyspace: $keyspace, key: $key, context: $context, consistency: $level, session: $session, idempotencyKey: $idempotencyKey) { ${shown} }
  }`,
  compareAndSet: `mutation Set($keyspace: String!, $key: String!, $expect: Expectation!, $value: JSON, $session: SessionToken, $idempotencyKey: String) {
    answer: compareAndSet(keyspace: $keyspace, key: $key, expect: $expect, value: $value, session: $session, idempotencyKey: $idempotencyKey) { applied ${shown} }
  }`,
};

interface RawAnswer {
  readonly session: string;
  readonly applied?: boolean;
  readonly entry: {
    readonly current: {
      readonly context: string;
      readonly siblings: readonly { readonly value: unknown; readonly deleted: boolean }[];
    };
  };
}

interface GraphQLResult {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions?: { readonly code?: string; readonly outcome?: 'NONE' | 'UNKNOWN' };
  }[];
}

/** Longer than any request may take: whoever waits for so long waits for nothing. */
const patienceMs = 12_000;

/** GraphQL over HTTP with connections that are kept open, to gateways that may be gone. */
export class GraphQLClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 });

  /** Rejects with Refused, GatewayDown, CutOff or NoAnswer. */
  async ask(port: number, field: Field, what: Ask): Promise<Answer> {
    const data = await this.run(port, documents[field], what);
    const { session, applied, entry } = data['answer'] as RawAnswer;
    const { context, siblings } = entry.current;
    const values = siblings.flatMap(({ value, deleted }) => (deleted ? [] : [Number(value)]));
    return { session, context, values, applied };
  }

  async run(
    port: number,
    query: string,
    variables: object,
  ): Promise<Readonly<Record<string, unknown>>> {
    const { status, body } = await this.#post(port, JSON.stringify({ query, variables }));
    const result = parse(status, body);
    const [error] = result.errors ?? [];
    if (error) throw new Refused(error.message, error.extensions ?? {});
    if (!result.data) throw new Refused(`an answer without data: HTTP ${status} ${body}`, {});
    return result.data;
  }

  close(): void {
    this.#agent.destroy();
  }

  #post(port: number, payload: string): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          host: '127.0.0.1',
          port,
          path: '/graphql',
          method: 'POST',
          agent: this.#agent,
          headers: {
            'content-type': 'application/json',
            accept: 'application/json',
            'content-length': Buffer.byteLength(payload),
          },
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('error', (error) => fail(new CutOff(error.message)));
          incoming.on('aborted', () => fail(new CutOff('the answer was cut off')));
          incoming.on('end', () => {
            clearTimeout(timer);
            resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
          });
        },
      );
      const fail = (error: Error): void => {
        clearTimeout(timer);
        reject(error);
      };
      const timer = setTimeout(() => {
        fail(new NoAnswer(`no answer within ${patienceMs} ms`));
        outgoing.destroy();
      }, patienceMs);
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        const { code, message } = error;
        fail(code === 'ECONNREFUSED' ? new GatewayDown(message) : new CutOff(message));
      });
      outgoing.end(payload);
    });
  }
}

function parse(status: number, body: string): GraphQLResult {
  try {
    return JSON.parse(body) as GraphQLResult;
  } catch {
    throw new Refused(`an answer that is not JSON: HTTP ${status} ${body.slice(0, 200)}`, {});
  }
}
