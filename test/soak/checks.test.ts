import { describe, expect, test } from '@jest/globals';
import type { Operation } from '../simulation/history.ts';
import { checkAvailable } from './checks.ts';
import type { Fault } from './faults.ts';

const freeze: Fault = {
  kind: 'freeze of a replica',
  target: 'replica-1',
  startNs: 100,
  endNs: 200,
};

function tries(count: number, result: Pick<Operation, 'status' | 'code'>): Operation[] {
  return Array.from({ length: count }, (_, at) => ({
    process: at,
    op: 'read',
    key: 'locks/a',
    level: 'LINEARIZABLE',
    start: 110 + at,
    end: 150 + at,
    ...result,
  }));
}

describe('a level while one replica of three is away', () => {
  test('that never succeeds is a violation, which says how often it was tried and how it failed', () => {
    const refused = tries(7, { status: 'fail', code: 'QUORUM_UNAVAILABLE' });
    expect(checkAvailable(refused, [freeze])).toEqual([
      'during the freeze of a replica (replica-1) none of 7 requests at LINEARIZABLE succeeded: QUORUM_UNAVAILABLE',
    ]);
  });

  test('that succeeds once, or is hardly tried, is none', () => {
    const refused = tries(7, { status: 'fail', code: 'CONTENDED' });
    expect(checkAvailable([...refused, ...tries(1, { status: 'ok' })], [freeze])).toEqual([]);
    expect(checkAvailable(refused.slice(0, 4), [freeze])).toEqual([]);
  });

  test('that succeeds only before and after it is a violation', () => {
    const outside = tries(9, { status: 'ok' }).map((one, at) => ({ ...one, start: at, end: 400 }));
    const inside = tries(6, { status: 'fail', code: 'READ_TIMEOUT' });
    expect(checkAvailable([...outside, ...inside], [freeze])).toHaveLength(1);
  });
});
