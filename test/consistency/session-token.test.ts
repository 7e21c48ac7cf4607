import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createSealer } from '../../src/consistency/seal.ts';
import {
  afterShown,
  freshSession,
  joinSessions,
  remember,
  type Session,
} from '../../src/consistency/session.ts';
import { openSession, sealSession, tokenLimits } from '../../src/consistency/session-token.ts';

const sealer = createSealer(['a signing key for tests, long enough']);
const seal = (session: Session): string => sealSession(sealer, 'acme', session);
const open = (text: string | undefined): Session => openSession(sealer, 'acme', text);
const saw = (key: string, dots: Record<string, number>, from = freshSession): Session =>
  remember(from, { keyspace: 'demo@1', key }, { read: new Map(Object.entries(dots)) });

// Guard: dependencies first in `afterShown`, and what is listed in `areEverywhere`. Without either, 5 is forgotten.
test('a session keeps what a version depends on, though its key was read in the same answer, older and everywhere', () => {
  const at = (key: string) => ({ keyspace: 'demo@1', key });
  const dependencies = [{ ...at('k'), dots: [['a', 5]] as [string, number][] }];
  const version = { writeId: 'w', writtenAtUs: 1, value: '0' };
  const dependent = { ...version, dot: { actor: 'a', counter: 9 }, dependencies };
  const older = { ...version, dot: { actor: 'a', counter: 3 } };
  const shown = [
    { at: at('l'), versions: [dependent], areEverywhere: () => false },
    {
      at: at('k'),
      versions: [older],
      areEverywhere: (seen: ReadonlyMap<string, number>) => (seen.get('a') ?? 0) <= 3,
    },
  ];
  for (const order of [shown, shown.toReversed()]) {
    const { floors } = afterShown(freshSession, order);
    expect(floors.get('demo@1\0k')?.read).toEqual(new Map([['a', 5]]));
  }
  expect(afterShown(freshSession, shown.slice(1)).floors.size).toBe(0);
});

/** What a session says, whatever the order of its list. */
function said({ floors, isPartial }: Session) {
  const list = [...floors.values()].map(({ keyspace, key, written, read }) => ({
    at: `${keyspace}/${key}`,
    written: Object.fromEntries([...written].toSorted()),
    read: Object.fromEntries([...read].toSorted()),
  }));
  return { isPartial, list: list.toSorted((a, b) => (a.at < b.at ? -1 : 1)) };
}

// A counter begins at 1: 0 is what was never seen.
const dots = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 9 }), {
  noNullPrototype: true,
});
const sessions = fc
  .tuple(
    fc.boolean(),
    fc.array(fc.record({ key: fc.constantFrom('k', 'l', 'm'), read: dots, written: dots })),
  )
  .map(([isPartial, seen]) =>
    seen.reduce<Session>(
      (session, { key, read, written }) =>
        remember(
          session,
          { keyspace: 'demo@1', key },
          {
            read: new Map(Object.entries(read)),
            written: new Map(Object.entries(written)),
          },
        ),
      { ...freshSession, isPartial },
    ),
  );

describe('two sessions as one', () => {
  test('joining is associative, commutative and idempotent', () => {
    fc.assert(
      fc.property(sessions, sessions, sessions, (a, b, c) => {
        expect(said(joinSessions(a, b))).toEqual(said(joinSessions(b, a)));
        expect(said(joinSessions(a, joinSessions(b, c)))).toEqual(
          said(joinSessions(joinSessions(a, b), c)),
        );
        expect(said(joinSessions(a, a))).toEqual(said(a));
      }),
    );
  });

  test('a session that left something out makes the other one partial', () => {
    expect(joinSessions(freshSession, { ...freshSession, isPartial: true }).isPartial).toBe(true);
  });
});

describe('several tokens', () => {
  test('say together what each of them says', () => {
    const base = saw('k', { a: 1 });
    const one = saw('l', { a: 5 }, base);
    const other = saw('k', { a: 3, b: 2 }, base);
    expect(said(open(`${seal(one)}, ${seal(other)}`))).toEqual(
      said(saw('l', { a: 5 }, saw('k', { a: 3, b: 2 }))),
    );
  });

  test('are refused when one of them was not given out to this tenant', () => {
    const foreign = sealSession(sealer, 'other', saw('k', { a: 1 }));
    for (const text of [`${seal(freshSession)},${foreign}`, `${seal(freshSession)},`, ',']) {
      expect(() => open(text)).toThrow('Argument "session" is not a session');
    }
  });

  test('are refused when they are too many', () => {
    const list = (count: number): string => Array<string>(count).fill(seal(freshSession)).join(',');
    expect(open(list(tokenLimits.atOnce))).toEqual(freshSession);
    expect(() => open(list(tokenLimits.atOnce + 1))).toThrow(
      'Argument "session" must hold at most 32 tokens, and it holds 33',
    );
  });
});
