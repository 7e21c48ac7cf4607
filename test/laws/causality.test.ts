import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { digestOf, encodeCell } from '../../src/causality/cell-codec.ts';
import {
  emptyCell,
  join,
  seenNothing,
  visible,
  write,
  type Cell,
} from '../../src/causality/cell.ts';
import { keepNewest, newestCell } from '../../src/causality/convergence.ts';
import { covers, includes, merge, type VersionVector } from '../../src/causality/version-vector.ts';
import { revisionOf } from '../../src/consistency/entry.ts';
import { dotsOf, histories, statesOf, survivors, union } from '../causality/histories.ts';

const text = (cell: Cell): string => JSON.stringify(encodeCell(cell));

describe('join, over all that histories can lead to', () => {
  test('does not care who joins whom first', () => {
    fc.assert(
      fc.property(statesOf(2), ({ chosen: [a, b] }) => {
        expect(text(join(a!.cell, b!.cell))).toBe(text(join(b!.cell, a!.cell)));
      }),
      { numRuns: 300 },
    );
  });

  test('does not care in which groups states are joined', () => {
    fc.assert(
      fc.property(statesOf(3), ({ chosen }) => {
        const [a, b, c] = chosen.map(({ cell }) => cell) as [Cell, Cell, Cell];
        expect(text(join(join(a, b), c))).toBe(text(join(a, join(b, c))));
      }),
      { numRuns: 300 },
    );
  });

  test('changes nothing when a state is joined again, however often it arrives', () => {
    fc.assert(
      fc.property(statesOf(2), ({ chosen: [a, b] }) => {
        const once = join(a!.cell, b!.cell);
        expect(text(join(once, b!.cell))).toBe(text(once));
        expect(text(join(once, structuredClone(once)))).toBe(text(once));
      }),
      { numRuns: 200 },
    );
  });

  test('keeps every version but those that a writer had seen, and brings none back', () => {
    fc.assert(
      fc.property(statesOf(2), ({ history, chosen: [a, b] }) => {
        const joined = join(a!.cell, b!.cell);
        expect(dotsOf(joined)).toEqual(survivors(union(a!.known, b!.known), history));
      }),
      { numRuns: 500 },
    );
  });

  test('keeps siblings sorted, single and covered by the context', () => {
    fc.assert(
      fc.property(statesOf(2), ({ chosen: [a, b] }) => {
        const { siblings, context } = join(a!.cell, b!.cell);
        const counters = siblings.map(({ dot }) => dot.counter);
        expect(counters).toEqual(counters.toSorted((x, y) => x - y));
        expect(new Set(dotsOf({ siblings, context })).size).toBe(siblings.length);
        expect(siblings.every(({ dot }) => covers(context, dot))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test('the checker of lost versions finds a join that takes the longer of two contexts', () => {
    const careless = (a: Cell, b: Cell): Cell => (includes(a.context, b.context) ? a : b);
    const broken = fc.check(
      fc.property(statesOf(2), ({ history, chosen: [a, b] }) => {
        const dots = dotsOf(careless(a!.cell, b!.cell));
        return String(dots) === String(survivors(union(a!.known, b!.known), history));
      }),
      { numRuns: 500 },
    );
    expect(broken.failed).toBe(true);
  });
});

describe('a write', () => {
  test('replaces exactly what its writer had seen', () => {
    fc.assert(
      fc.property(histories, (history) => {
        for (const { before, seen, after, dot } of history.writes) {
          const kept = dotsOf(before.cell).filter((name) => !seen?.known.has(name));
          expect(dotsOf(after.cell)).toEqual([...kept, dot].sort());
        }
      }),
      { numRuns: 200 },
    );
  });

  test('never mints a dot that was minted before', () => {
    fc.assert(
      fc.property(histories, ({ writes }) => {
        expect(new Set(writes.map(({ dot }) => dot)).size).toBe(writes.length);
      }),
      { numRuns: 200 },
    );
  });

  test('that reached two replicas is one version to a reader, and one when it is written again', () => {
    const version = (actor: string, counter: number, writeId: string) => ({
      dot: { actor, counter },
      writeId,
      writtenAtUs: counter,
      value: '1',
    });
    const a = write(emptyCell, seenNothing, version('a', 5, 'same'));
    const b = write(emptyCell, seenNothing, version('b', 9, 'same'));
    const other = write(emptyCell, seenNothing, version('c', 7, 'other'));
    const all = join(join(a, b), other);
    expect(visible(all).map(({ dot }) => dot.actor)).toEqual(['b', 'c']);
    const again = write(all, seenNothing, version('a', 11, 'same'));
    expect(dotsOf(again)).toEqual(['a:11', 'c:7']);
    expect(dotsOf(join(again, all))).toEqual(['a:11', 'c:7']);
  });
});

describe('the digest', () => {
  test('is equal exactly when the states are', () => {
    fc.assert(
      fc.property(histories, ({ states }) => {
        const digestByText = new Map(states.map(({ cell }) => [text(cell), digestOf(cell)]));
        expect(new Set(digestByText.values()).size).toBe(digestByText.size);
        for (const { cell } of states) {
          expect(digestOf(cell)).toBe(digestByText.get(text(cell)));
          expect(digestOf(structuredClone(cell))).toBe(digestOf(cell));
        }
      }),
      { numRuns: 200 },
    );
  });

  test('is zero for the absent cell alone, and fits a signed 64-bit column', () => {
    expect(digestOf(emptyCell)).toBe(0n);
    fc.assert(
      fc.property(histories, ({ writes }) => {
        for (const { after } of writes) {
          const digest = digestOf(after.cell);
          expect(digest).not.toBe(0n);
          expect(BigInt.asIntN(64, digest)).toBe(digest);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('the revision', () => {
  test('grows with every write, and never falls by a join', () => {
    fc.assert(
      fc.property(statesOf(2), ({ history, chosen: [a, b] }) => {
        for (const { before, after } of history.writes) {
          expect(revisionOf(after.cell) > revisionOf(before.cell)).toBe(true);
        }
        const joined = revisionOf(join(a!.cell, b!.cell));
        expect(joined >= revisionOf(a!.cell)).toBe(true);
        expect(joined >= revisionOf(b!.cell)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('grows with every ballot too, beside whatever replicas have minted', () => {
    const vectors = fc.record({
      a: fc.nat(2 ** 40),
      ballot: fc.nat(2 ** 52),
      raise: fc.integer({ min: 1, max: 9_000 }),
    });
    const withBallot = (a: number, ballot: number): Cell => ({
      siblings: [],
      context: new Map([
        ['a', 2 ** 51 + a],
        ['pi', ballot],
      ]),
    });
    fc.assert(
      fc.property(vectors, ({ a, ballot, raise }) => {
        const [before, after] = [withBallot(a, ballot), withBallot(a, ballot + raise)];
        expect(revisionOf(after) > revisionOf(before)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('of a key recreated after its tombstone was collected is greater than all before', () => {
    fc.assert(
      fc.property(histories, fc.nat(1_000), ({ states }, later) => {
        const latestUs = Math.max(...states.flatMap(({ cell }) => [...cell.context.values()]), 0);
        const dot = { actor: 'f00d', counter: latestUs + 1 + later };
        const version = { dot, writeId: 'again', writtenAtUs: dot.counter, value: '1' };
        const recreated = write(emptyCell, seenNothing, version);
        for (const { cell } of states) expect(revisionOf(recreated) > revisionOf(cell)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});

describe('a version vector', () => {
  const vectors: fc.Arbitrary<VersionVector> = fc
    .dictionary(fc.constantFrom('a', 'b', 'c', 'pi'), fc.integer({ min: 1, max: 5 }))
    .map((record) => new Map(Object.entries(record)));

  test('merges to the least one that has seen both', () => {
    fc.assert(
      fc.property(vectors, vectors, vectors, (a, b, c) => {
        const merged = merge(a, b);
        expect(includes(merged, a) && includes(merged, b)).toBe(true);
        if (includes(c, a) && includes(c, b)) expect(includes(c, merged)).toBe(true);
        expect(merge(b, a)).toEqual(merged);
      }),
      { numRuns: 300 },
    );
  });
});

describe('where only the newest is kept', () => {
  const version = fc
    .record({
      actor: fc.constantFrom('aa', 'ab', 'b'),
      counter: fc.integer({ min: 1, max: 3 }).map((small) => 10 ** (4 * small) + small),
      value: fc.constantFrom('1', '2', null),
    })
    .map(({ actor, counter, value }) =>
      newestCell({
        dot: { actor, counter },
        writeId: `${actor}${counter}${value}`,
        writtenAtUs: counter,
        value,
      }),
    );

  test('join is the greatest of (clock, gateway, value), in whatever order versions arrive', () => {
    fc.assert(
      fc.property(fc.array(version, { minLength: 1, maxLength: 6 }), (versions) => {
        const greatest = versions.reduce((a, b) => (isAfter(b, a) ? b : a));
        const shuffles = [versions, versions.toReversed(), versions.toSorted(() => 0.5)];
        for (const order of shuffles) {
          const kept = order.reduce(keepNewest.join, emptyCell);
          const [{ dot }] = kept.siblings as [Cell['siblings'][number]];
          expect(dot).toEqual(greatest.siblings[0]!.dot);
        }
        const [a, b] = [versions[0]!, versions.at(-1)!];
        expect(keepNewest.join(a, b).siblings[0]!.value).toBe(
          keepNewest.join(b, a).siblings[0]!.value,
        );
      }),
      { numRuns: 300 },
    );
  });

  test('stamps sort as text like the versions that they stand for', () => {
    fc.assert(
      fc.property(version, version, (a, b) => {
        if (isAfter(a, b)) expect(keepNewest.stampOf(a) > keepNewest.stampOf(b)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  /** By clock, then gateway; what decides beyond that is only that everyone decides alike. */
  function isAfter(a: Cell, b: Cell): boolean {
    const [x, y] = [a.siblings[0]!.dot, b.siblings[0]!.dot];
    return x.counter > y.counter || (x.counter === y.counter && x.actor > y.actor);
  }
});
