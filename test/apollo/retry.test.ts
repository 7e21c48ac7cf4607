import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { CombinedGraphQLErrors, ServerError } from '@apollo/client/errors';
import { retryLink, retryPolicy } from '../../src/apollo/quorate-link.ts';
import { failures } from '../../src/errors.ts';
import { heldGateway, sendThrough, type Answer } from './links.ts';

const get = '{ get(keyspace: "demo", key: "k") { writeId } }';
const put = 'mutation { put(keyspace: "demo", key: "k", value: 1) { writeId } }';
const keyedPut =
  'mutation($id: String) { put(keyspace: "demo", key: "k", value: 1, idempotencyKey: $id) { writeId } }';

function failed(code: keyof typeof failures, more: object = {}): Answer {
  const { retry: retryable, outcome } = failures[code];
  const extensions = { code, retryable, outcome, ...more };
  return { data: null, errors: [{ message: code, path: ['put'], extensions }] };
}
const serverError = (status: number, headers = {}): ServerError =>
  new ServerError('not successful', {
    response: new Response('', { status, headers }),
    bodyText: '',
  });

/** Runs an operation against a gateway that fails once; whether it was tried again. */
function isRetried(
  text: string,
  failure: Answer | Error,
  variables: Record<string, unknown> = {},
): boolean {
  const { arrived, link } = heldGateway();
  const sent = sendThrough(retryLink().concat(link), text, variables);
  if (failure instanceof Error) arrived[0]!.fail(failure);
  else arrived[0]!.answer(failure);
  jest.advanceTimersByTime(10_000);
  const isTold = sent.error === failure || sent.results[0] === failure;
  expect(arrived).toHaveLength(isTold ? 1 : 2);
  sent.cancel();
  return arrived.length === 2;
}

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('what is tried again', () => {
  test.each(Object.entries(failures))(
    'a query and a mutation that failed with %s: as the table says',
    (code, { retry }) => {
      const failure = failed(code as keyof typeof failures);
      expect(isRetried(get, failure)).toBe(retry);
      expect(isRetried(put, failure)).toBe(retry);
      const isKeyedEnough = retry || code === 'WRITE_UNCERTAIN';
      expect(isRetried(keyedPut, failure, { id: 'once' })).toBe(isKeyedEnough);
    },
  );

  test('an outcome that is UNKNOWN is not tried again, whatever else the failure says', () => {
    const failure = failed('QUORUM_UNAVAILABLE', { outcome: 'UNKNOWN' });
    expect(isRetried(put, failure)).toBe(false);
    expect(isRetried(keyedPut, failure, { id: 'once' })).toBe(true);
  });

  test('no answer: a query always, a mutation with an idempotency key only', () => {
    const lost = new TypeError('fetch failed');
    expect(isRetried(get, lost)).toBe(true);
    expect(isRetried(put, lost)).toBe(false);
    expect(isRetried(keyedPut, lost, { id: 'once' })).toBe(true);
    expect(isRetried(keyedPut.replace('($id: String)', '').replace('$id', '"once"'), lost)).toBe(
      true,
    );
  });

  test('an idempotency key that is empty, or that no field uses, is none', () => {
    const lost = new TypeError('fetch failed');
    expect(isRetried(keyedPut, lost, {})).toBe(false);
    expect(isRetried(keyedPut, lost, { id: null })).toBe(false);
    expect(isRetried(keyedPut, lost, { id: '' })).toBe(false);
    const unused =
      'mutation($idempotencyKey: String) { a: delete(keyspace: "demo", key: "k") { writeId } }';
    expect(isRetried(unused, lost, { idempotencyKey: 'once' })).toBe(false);
  });

  test('a mutation of several fields only when all its writes have a key: one of them may have been applied', () => {
    const write = (alias: string, more = ''): string =>
      `${alias}: put(keyspace: "demo", key: "${alias}", value: 1 ${more}) { writeId }`;
    const read = 'get(keyspace: "demo", key: "k") { session }';
    const keyed = 'idempotencyKey: "once"';
    const failure = failed('QUORUM_UNAVAILABLE');
    expect(isRetried(`mutation { ${write('a')} ${write('b')} }`, failure)).toBe(false);
    expect(isRetried(`mutation { ${write('a', keyed)} ${write('b')} }`, failure)).toBe(false);
    expect(
      isRetried(`mutation { ${write('a', keyed)} ${write('b', keyed)} ${read} }`, failure),
    ).toBe(true);
    const hidden = `mutation { ...F } fragment F on Mutation { ${write('a', keyed)} }`;
    expect(isRetried(hidden, failure)).toBe(false);
  });

  test('an error below the field says nothing of the write itself', () => {
    const extensions = { code: 'READ_TIMEOUT', retryable: true, outcome: 'NONE' };
    const failure = { data: null, errors: [{ message: 'no', path: ['put', 'entry'], extensions }] };
    expect(isRetried(put, failure)).toBe(false);
    expect(isRetried(get, failure)).toBe(true);
  });

  test('nothing when one of several errors does not pass', () => {
    const errors = [...failed('READ_TIMEOUT').errors!, ...failed('FORBIDDEN').errors!];
    expect(isRetried(get, { data: null, errors })).toBe(false);
  });

  test('what a proxy answers: 429, 408 and 5xx to a query, nothing else', () => {
    const retried = [400, 401, 404, 408, 413, 429, 500, 502, 503, 504].filter((status) =>
      isRetried(get, serverError(status)),
    );
    expect(retried).toEqual([408, 429, 500, 502, 503, 504]);
    expect(isRetried(put, serverError(502))).toBe(false);
  });

  test('errors that a WebSocket link throws count like those of a result', () => {
    const errors = (code: keyof typeof failures) =>
      new CombinedGraphQLErrors({ errors: failed(code).errors! });
    expect(isRetried(put, errors('OVERLOADED'))).toBe(true);
    expect(isRetried(put, errors('WRITE_UNCERTAIN'))).toBe(false);
  });

  test('nothing that the caller gave up, and no subscription', () => {
    const aborted = Object.assign(new Error('aborted'), { name: 'AbortError' });
    expect(isRetried(get, aborted)).toBe(false);
    const changes = 'subscription { changes(keyspace: "demo") { __typename } }';
    expect(isRetried(changes, failed('OVERLOADED'))).toBe(false);
    expect(isRetried(changes, new TypeError('lost'))).toBe(false);
  });
});

describe('when', () => {
  const waits = (failure: object, random = 0, attempts = 4): (number | undefined)[] => {
    const { arrived, link } = heldGateway();
    sendThrough(link, get);
    const { operation } = arrived[0]!;
    const policy = retryPolicy({ random: () => random });
    return Array.from({ length: attempts }, (_, at) =>
      policy({ operation, attempt: at + 1, ...failure }),
    );
  };

  test('the wait doubles, and is anything from half of it on', () => {
    const failure = { errors: failed('CONTENDED').errors };
    expect(waits(failure, 0)).toEqual([50, 100, 200, 400]);
    expect(waits(failure, 1)).toEqual([100, 200, 400, 800]);
  });

  test('never earlier than the gateway says, and not all at once', () => {
    const failure = { errors: failed('LIMIT_EXCEEDED', { retryAfterMs: 1_500 }).errors };
    expect(waits(failure, 0)).toEqual([1_500, 1_500, 1_500, 1_500]);
    expect(waits(failure, 0.5)).toEqual([1_550, 1_600, 1_700, 1_900]);
    expect(waits({ error: serverError(503, { 'retry-after': '2' }) })[0]).toBe(2_000);
  });

  test('not at all when the gateway asks for more than delayMsMax', () => {
    expect(
      waits({ errors: failed('OVERLOADED', { retryAfterMs: 60_000 }).errors })[0],
    ).toBeUndefined();
  });

  test('after attemptsMax the last failure is told', () => {
    const { arrived, link } = heldGateway();
    const sent = sendThrough(retryLink({ attemptsMax: 3 }).concat(link), get);
    for (let at = 0; at < 3; at++) {
      arrived[at]!.answer(failed('READ_TIMEOUT'));
      jest.advanceTimersByTime(10_000);
    }
    expect(arrived).toHaveLength(3);
    expect(sent).toMatchObject({ results: [failed('READ_TIMEOUT')], isComplete: true });
  });

  test('a success after a failure is all that is told', () => {
    const { arrived, link } = heldGateway();
    const sent = sendThrough(retryLink().concat(link), get);
    arrived[0]!.answer(failed('READ_TIMEOUT'));
    jest.advanceTimersByTime(10_000);
    arrived[1]!.answer({ data: { get: 1 } });
    expect(sent).toMatchObject({ results: [{ data: { get: 1 } }], isComplete: true });
  });

  test('never again for a caller that has gone', () => {
    const { arrived, link } = heldGateway();
    const sent = sendThrough(retryLink().concat(link), get);
    arrived[0]!.answer(failed('READ_TIMEOUT'));
    sent.cancel();
    jest.advanceTimersByTime(60_000);
    expect(arrived).toHaveLength(1);
  });
});

describe('a socket that reconnects by itself', () => {
  const written = (text: string, variables = {}): (() => string) => {
    const { arrived, link } = heldGateway();
    sendThrough(retryLink().concat(link), text, variables);
    return () => JSON.stringify(arrived[0]!.operation.extensions);
  };

  test('writes a mutation once, and fails it when it would again', () => {
    const write = written(put);
    expect(write()).toBe('{}');
    expect(write).toThrow('it may have been applied');
  });

  test('may write a query again, and a mutation with an idempotency key', () => {
    for (const write of [written(get), written(keyedPut, { id: 'once' })]) {
      expect([write(), write()]).toEqual(['{}', '{}']);
    }
  });
});
