import { describe, expect, test } from '@jest/globals';
import { createTopology, type Member } from '../../src/placement/membership.ts';
import {
  createPlacement,
  ownedPartitions,
  preferenceListOf,
} from '../../src/placement/preference-list.ts';

const cluster = (...ids: string[]) =>
  createTopology({ epoch: 1, members: ids.map((id) => ({ id })) });
const order = (...names: string[]): Member[] =>
  names.map((name) => ({ id: name, zone: name.slice(0, 1) }));
const told = (...names: [Member[], number]) =>
  preferenceListOf(...names).map(({ replica, role }) => `${replica} ${role}`);

describe('a preference list', () => {
  test('takes a member of a used zone later, as long as there are zones not yet used', () => {
    expect(told(order('a1', 'a2', 'b1', 'a3', 'c1'), 3)).toEqual([
      'a1 primary',
      'b1 primary',
      'c1 primary',
      'a2 fallback',
      'a3 fallback',
    ]);
  });

  test('goes round the zones again when there are fewer zones than primaries', () => {
    expect(told(order('a1', 'a2', 'a3', 'b1', 'b2'), 4)).toEqual([
      'a1 primary',
      'b1 primary',
      'a2 primary',
      'b2 primary',
      'a3 fallback',
    ]);
  });

  test('takes members without a zone to share nothing', () => {
    const members = [{ id: 'x' }, { id: 'y' }, { id: 'z', zone: 'a' }];
    expect(told(members, 2)).toEqual(['x primary', 'y primary', 'z fallback']);
  });

  test('names every replica, with its zone, in every partition', () => {
    const topology = createTopology({ epoch: 4, members: order('a1', 'a2', 'b1', 'c1') });
    const placement = createPlacement(topology, {
      partitioner: 'CONSISTENT_HASH',
      replicationFactor: 3,
    });
    expect(placement).toMatchObject({ epoch: 4, partitions: 256, replicationFactor: 3 });
    for (let partition = 0; partition < placement.partitions; partition++) {
      const list = placement.preferenceList(partition);
      expect(list.map(({ replica }) => replica).toSorted()).toEqual(['a1', 'a2', 'b1', 'c1']);
      expect(list.every(({ replica, zone }) => zone === replica.slice(0, 1))).toBe(true);
    }
  });
});

describe('a placement', () => {
  test('is refused when a keyspace wants more replicas than there are, or none', () => {
    const topology = cluster('r1', 'r2', 'r3');
    for (const replicationFactor of [4, 0, 1.5]) {
      expect(() => createPlacement(topology, { partitioner: 'RANGE', replicationFactor })).toThrow(
        /the replication factor must be an integer from 1 to 3 .* and it is/,
      );
    }
  });

  test('says so when it is asked for a partition that it does not have', () => {
    const placement = createPlacement(cluster('r1'), {
      partitioner: 'MODULO_HASH',
      replicationFactor: 1,
    });
    expect(() => placement.preferenceList(1)).toThrow('there is no partition 1: there are 1');
  });

  test('is computed once for all hashed keyspaces that are alike', () => {
    const topology = cluster('r1', 'r2', 'r3');
    const rules = { partitioner: 'CONSISTENT_HASH', replicationFactor: 2 } as const;
    expect(createPlacement(topology, rules)).toBe(createPlacement(topology, { ...rules }));
  });

  test('makes every replica a primary of everything when there are as many copies', () => {
    const placement = createPlacement(cluster('r1', 'r2', 'r3'), {
      partitioner: 'CONSISTENT_HASH',
      replicationFactor: 3,
    });
    expect(Object.fromEntries(ownedPartitions(placement))).toEqual({ r1: 256, r2: 256, r3: 256 });
  });

  test('counts a replica that owns nothing as owning nothing', () => {
    const placement = createPlacement(cluster('r1', 'r2'), {
      partitioner: 'RANGE',
      replicationFactor: 1,
    });
    expect([...ownedPartitions(placement).values()].toSorted()).toEqual([0, 1]);
  });

  test('keeps the owners of known keys for ever: rows are found by them', () => {
    const placement = createPlacement(cluster('r1', 'r2', 'r3', 'r4', 'r5'), {
      partitioner: 'CONSISTENT_HASH',
      replicationFactor: 3,
    });
    const owners = ['42', 'user:1', '鍵'].map((key) => {
      const partition = placement.partitionOf(key);
      const list = placement.preferenceList(partition).slice(0, 3);
      return `${key} ${partition} ${list.map(({ replica }) => replica).join(' ')}`;
    });
    expect(owners).toMatchInlineSnapshot(`
     [
       "42 188 r1 r3 r5",
       "user:1 203 r4 r5 r1",
       "鍵 204 r1 r3 r2",
     ]
    `);
  });
});

describe('a topology', () => {
  test('holds its members in the order of their ids, whatever order they came in', () => {
    expect(cluster('r10', 'r2', 'r1').members.map(({ id }) => id)).toEqual(['r1', 'r10', 'r2']);
  });

  test('is refused with no member, with two of one name, and with half a partition', () => {
    expect(() => cluster()).toThrow('a cluster needs at least one replica');
    expect(() => cluster('r1', 'r2', 'r1')).toThrow('two replicas are both called "r1"');
    const members = [{ id: 'r1' }];
    expect(() => createTopology({ epoch: 1, members, partitions: 0.5 })).toThrow(RangeError);
  });
});

describe('partitions of a range of keys', () => {
  const topology = cluster('r1', 'r2', 'r3');
  const ranges = createPlacement(topology, {
    partitioner: 'RANGE',
    replicationFactor: 2,
    splitKeys: ['m', 'f', '\u{1F511}', '\uFF5E'],
  });

  test.each([
    [undefined, undefined, [0, 1, 2, 3, 4]],
    [undefined, 'f', [0]],
    ['f', undefined, [1, 2, 3, 4]],
    ['f', 'm', [1]],
    ['e', 'f\0', [0, 1]],
    ['m', 'n', [2]],
    ['g', 'g', []],
    ['n', 'b', []],
    [undefined, '', []],
  ])('from %j to %j are %j under RANGE', (from, to, expected) => {
    expect(ranges.partitionsOfRange(from, to)).toEqual(expected);
  });

  test('follow the order of bytes, not that of UTF-16 units', () => {
    expect(ranges.partitionOf('\uFF5E')).toBe(3);
    expect(ranges.partitionOf('\u{1F511}')).toBe(4);
  });

  test('are all of them when keys are hashed, and none when the range is empty', () => {
    const hashed = createPlacement(topology, { partitioner: 'MODULO_HASH', replicationFactor: 2 });
    expect(hashed.partitionsOfRange('a', 'b')).toEqual([0, 1, 2]);
    expect(hashed.partitionsOfRange('b', 'a')).toEqual([]);
  });

  test('cannot be told apart by one split key given twice', () => {
    const splitKeys = ['b', 'a', 'b'];
    expect(() =>
      createPlacement(topology, { partitioner: 'RANGE', replicationFactor: 1, splitKeys }),
    ).toThrow('the split key "b" is given twice');
  });
});
