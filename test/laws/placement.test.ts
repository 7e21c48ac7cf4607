import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareKeys } from '../../src/placement/key-order.ts';
import { createTopology, type Member } from '../../src/placement/membership.ts';
import type { PartitionerName } from '../../src/placement/partitioner.ts';
import {
  createPlacement,
  ownedPartitions,
  type Placement,
} from '../../src/placement/preference-list.ts';

const partitioners: readonly PartitionerName[] = ['CONSISTENT_HASH', 'MODULO_HASH', 'RANGE'];

const ids = (minLength: number, maxLength: number) =>
  fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), { minLength, maxLength });

/** 3 to 12 members, most in one of up to four zones, some in none. */
const zonedMembers = fc
  .tuple(ids(3, 12), fc.infiniteStream(fc.constantFrom('a', 'b', 'c', 'd', undefined)))
  .map(([names, zones]): Member[] => {
    const zoneOf = zones[Symbol.iterator]();
    return names.map((id) => ({ id, zone: zoneOf.next().value as string | undefined }));
  });

const wellFormed = fc.string({ unit: 'binary', maxLength: 12 });

function place(
  members: readonly Member[],
  rules: { partitioner?: PartitionerName; n?: number; splitKeys?: readonly string[] } = {},
): Placement {
  const { partitioner = 'CONSISTENT_HASH', n = 3, splitKeys = ['g', 'p'] } = rules;
  const topology = createTopology({ epoch: 1, members });
  return createPlacement(topology, { partitioner, replicationFactor: n, splitKeys });
}

function primaries(placement: Placement, partition: number): string[] {
  const list = placement.preferenceList(partition).filter(({ role }) => role === 'primary');
  return list.map(({ replica }) => replica);
}

const partitionsOf = (placement: Placement): number[] =>
  Array.from({ length: placement.partitions }, (_, partition) => partition);

const keys = Array.from({ length: 4_000 }, (_, nth) => `user:${nth}`);

/** The share of keys whose primaries are not the same set of replicas any more. */
function movedShare(before: Placement, after: Placement): number {
  const setsOf = (placement: Placement): readonly string[] =>
    partitionsOf(placement).map((one) => primaries(placement, one).toSorted().join('\0'));
  const [old, now] = [setsOf(before), setsOf(after)];
  const moved = keys.filter((key) => old[before.partitionOf(key)] !== now[after.partitionOf(key)]);
  return moved.length / keys.length;
}

describe('the order of keys', () => {
  // Pieces from both sides of the gap where UTF-16 and UTF-8 disagree, so that neighbours meet
  // often.
  const spiky = fc
    .array(
      fc.constantFrom(
        'a',
        '',
        '\u007f',
        '\ud7ff',
        '\ue000',
        '\uffff',
        '\u{10000}',
        '\u{10ffff}',
        'é',
      ),
    )
    .map((pieces) => pieces.join(''));

  test('is that of the UTF-8 bytes, astral planes included', () => {
    const key = fc.oneof(spiky, wellFormed, fc.string({ unit: 'grapheme' }));
    fc.assert(
      fc.property(key, key, (a, b) => {
        const bytes = Buffer.compare(Buffer.from(a), Buffer.from(b));
        expect(Math.sign(compareKeys(a, b))).toBe(bytes);
      }),
      { numRuns: 3_000 },
    );
  });

  test('is total and transitive on any strings, lone surrogates included', () => {
    const any = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 4 });
    const text = any.map((units) => String.fromCharCode(...units));
    fc.assert(
      fc.property(text, text, text, (a, b, c) => {
        expect(Math.sign(compareKeys(a, b)) + Math.sign(compareKeys(b, a))).toBe(0);
        expect(compareKeys(a, b) === 0).toBe(a === b);
        const [first, second, third] = [a, b, c].toSorted(compareKeys) as [string, string, string];
        expect(compareKeys(first, second)).toBeLessThanOrEqual(0);
        expect(compareKeys(second, third)).toBeLessThanOrEqual(0);
        expect(compareKeys(first, third)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe.each(partitioners)('%s', (partitioner) => {
  test('gives every partition N distinct primaries, distinct zones first', () => {
    fc.assert(
      fc.property(zonedMembers, fc.integer({ min: 1, max: 3 }), (members, n) => {
        const zoneOf = new Map(members.map(({ id, zone }) => [id, zone ?? `alone ${id}`]));
        const zones = new Set(zoneOf.values()).size;
        const placement = place(members, { partitioner, n });
        for (const partition of partitionsOf(placement)) {
          const chosen = primaries(placement, partition);
          expect(new Set(chosen).size).toBe(n);
          const used = new Set(chosen.map((id) => zoneOf.get(id)));
          expect(used.size).toBe(Math.min(n, zones));
        }
      }),
      { numRuns: 40 },
    );
  });

  test('does not depend on the order in which the members were written down', () => {
    fc.assert(
      fc.property(zonedMembers, (members) => {
        const [one, other] = [members, members.toReversed()].map((order) =>
          place(order, { partitioner }),
        ) as [Placement, Placement];
        for (const partition of partitionsOf(one)) {
          expect(other.preferenceList(partition)).toEqual(one.preferenceList(partition));
        }
      }),
      { numRuns: 20 },
    );
  });

  test('puts every key into one of its partitions', () => {
    fc.assert(
      fc.property(ids(3, 6), fc.string({ unit: 'binary' }), (names, key) => {
        const placement = place(
          names.map((id) => ({ id })),
          { partitioner },
        );
        expect(partitionsOf(placement)).toContain(placement.partitionOf(key));
      }),
      { numRuns: 200 },
    );
  });
});

describe.each(['CONSISTENT_HASH', 'RANGE'] as const)('when a member joins, %s', (partitioner) => {
  // Leaving is joining read backwards: what holds from `before` to `after` holds from `after` to
  // `before`.
  test('moves keys to the new member only, and never between two that stay', () => {
    fc.assert(
      fc.property(zonedMembers, fc.integer({ min: 1, max: 2 }), (members, n) => {
        const [joining, ...rest] = members as [Member, ...Member[]];
        const before = place(rest, { partitioner, n });
        const after = place(members, { partitioner, n });
        for (const partition of partitionsOf(before)) {
          const old = primaries(before, partition);
          const gained = primaries(after, partition).filter((id) => !old.includes(id));
          expect(gained).toEqual(gained.length === 0 ? [] : [joining.id]);
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('CONSISTENT_HASH', () => {
  test('makes each of 3 to 12 members a primary of 0.55 to 1.5 times its fair share', () => {
    fc.assert(
      fc.property(ids(3, 12), (names) => {
        const placement = place(names.map((id) => ({ id })));
        const fair = (placement.partitions * 3) / names.length;
        for (const owned of ownedPartitions(placement).values()) {
          expect(owned / fair).toBeGreaterThan(0.55);
          expect(owned / fair).toBeLessThan(1.5);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('puts each of 3 to 12 members first in 0.2 to 2.1 times its fair share', () => {
    fc.assert(
      fc.property(ids(3, 12), (names) => {
        const placement = place(
          names.map((id) => ({ id })),
          { n: 1 },
        );
        const fair = placement.partitions / names.length;
        for (const owned of ownedPartitions(placement).values()) {
          expect(owned / fair).toBeGreaterThan(0.2);
          expect(owned / fair).toBeLessThan(2.1);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('spreads keys over its partitions like dice', () => {
    const placement = place([{ id: 'r1' }, { id: 'r2' }, { id: 'r3' }]);
    const counts = new Array<number>(placement.partitions).fill(0);
    for (let nth = 0; nth < 256_000; nth++) {
      const partition = placement.partitionOf(`order:${nth}`);
      counts[partition] = counts[partition]! + 1;
    }
    // A thousand each on average; five standard deviations of a binomial are 158.
    expect(Math.min(...counts)).toBeGreaterThan(842);
    expect(Math.max(...counts)).toBeLessThan(1_158);
  });

  test('moves about one key in M when one of M members joins or leaves', () => {
    fc.assert(
      fc.property(ids(4, 12), (names) => {
        const members = names.map((id) => ({ id }));
        const moved = movedShare(place(members.slice(1), { n: 1 }), place(members, { n: 1 }));
        // Exactly the share of the one that came or went, whose bounds are those of the balance.
        expect(moved).toBeGreaterThan(0.2 / members.length);
        expect(moved).toBeLessThan(2.1 / members.length);
      }),
      { numRuns: 40 },
    );
  });
});

describe('MODULO_HASH', () => {
  test('is perfectly even, and moves most keys when one member joins: that is its price', () => {
    fc.assert(
      fc.property(ids(4, 12), (names) => {
        const members = names.map((id) => ({ id }));
        const rules = { partitioner: 'MODULO_HASH', n: 1 } as const;
        const [before, after] = [place(members.slice(1), rules), place(members, rules)];
        expect(new Set(ownedPartitions(after).values())).toEqual(new Set([1]));
        expect(movedShare(before, after)).toBeGreaterThan(0.6);
      }),
      { numRuns: 40 },
    );
  });
});

describe('RANGE', () => {
  const splitsAndKeys = fc.record({
    splitKeys: fc.uniqueArray(wellFormed, { maxLength: 8 }),
    keys: fc.array(wellFormed, { minLength: 1, maxLength: 12 }),
  });
  const members = ['r1', 'r2', 'r3', 'r4'].map((id) => ({ id }));

  test('cuts the keys, in byte order, without a gap and without an overlap', () => {
    fc.assert(
      fc.property(splitsAndKeys, ({ splitKeys, keys: some }) => {
        const placement = place(members, { partitioner: 'RANGE', splitKeys });
        const bounds = splitKeys
          .map((key) => Buffer.from(key))
          .toSorted((a, b) => Buffer.compare(a, b));
        for (const key of some) {
          const below = bounds.filter((bound) => Buffer.compare(bound, Buffer.from(key)) <= 0);
          expect(placement.partitionOf(key)).toBe(below.length);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('asks for exactly the partitions that can hold a key of the range', () => {
    // Bounds fall on split keys as often as not: that is where one partition too many is asked.
    const pick = fc.nat({ max: 15 });
    fc.assert(
      fc.property(
        splitsAndKeys,
        wellFormed,
        pick,
        pick,
        ({ splitKeys, keys: some }, other, m, n) => {
          const bounds = [...splitKeys, other];
          const [from, to] = [bounds[m % bounds.length]!, bounds[n % bounds.length]!];
          const placement = place(members, { partitioner: 'RANGE', splitKeys });
          const inside = [...bounds, ...some].filter(
            (key) => compareKeys(key, from) >= 0 && compareKeys(key, to) < 0,
          );
          const touched = new Set(inside.map((key) => placement.partitionOf(key)));
          expect(placement.partitionsOfRange(from, to)).toEqual(
            [...touched].toSorted((a, b) => a - b),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  test('moves only what lies from an added split key up to the next one', () => {
    fc.assert(
      fc.property(splitsAndKeys, wellFormed, ({ splitKeys, keys: some }, added) => {
        fc.pre(!splitKeys.includes(added) && added !== '');
        const before = place(members, { partitioner: 'RANGE', splitKeys });
        const after = place(members, { partitioner: 'RANGE', splitKeys: [...splitKeys, added] });
        const next = splitKeys
          .filter((key) => compareKeys(key, added) > 0)
          .toSorted(compareKeys)[0];
        const stays = (key: string): boolean =>
          compareKeys(key, added) < 0 || (next !== undefined && compareKeys(key, next) >= 0);
        for (const key of [...splitKeys, ...some].filter(stays)) {
          const [old, now] = [before, after].map((placement) =>
            primaries(placement, placement.partitionOf(key)),
          );
          expect(now).toEqual(old);
        }
      }),
      { numRuns: 200 },
    );
  });
});
