import { describe, expect, test } from '@jest/globals';
import type { ReplicaIdentity, Witness } from '../../src/replica/register.ts';
import { WrongDatabase } from '../../src/replica/wrong-database.ts';
import { refuseWrongDatabase, whyBehind } from '../../src/repair/judge-identity.ts';

const place = { server: '7001/16384', timeline: 1 };
const member: ReplicaIdentity = {
  incarnation: 'one',
  clockOffsetMs: 0,
  standing: 'admitted',
  standingMs: 0,
  cause: '',
  cluster: 'cluster',
  name: 'r1',
  fence: 5,
  nextXid: 100n,
  boot: 'boot 1',
  place,
  recordedPlace: place,
};
const witness: Witness = { ...place, replica: 'r1', incarnation: 'one', fence: 5, xid: 99n };

describe('whether a database may lack what it had acknowledged', () => {
  test('not, when it is where it was and nothing that was seen is missing', () => {
    expect(whyBehind(member, undefined)).toBeUndefined();
    expect(whyBehind(member, witness)).toBeUndefined();
    // A witness of an earlier incarnation says nothing about a later one.
    expect(whyBehind({ ...member, fence: 6 }, { ...witness, incarnation: 'zero' })).toBeUndefined();
    // What a role may not ask for is not compared.
    expect(whyBehind({ ...member, place: { server: '', timeline: 0 } }, witness)).toBeUndefined();
  });

  test.each([
    ['another Postgres', { place: { server: '7002/16384', timeline: 1 } }, witness],
    ['another timeline', { place: { ...place, timeline: 2 } }, witness],
    ['fence has gone back', { fence: 4 }, witness],
    ['another branch', {}, { ...witness, incarnation: 'other' }],
    ['lost transactions', {}, { ...witness, xid: 100n }],
    ['another Postgres', {}, { ...witness, server: '7000/1' }],
  ])('because: %s', (why, found, seen) => {
    expect(whyBehind({ ...member, ...found }, seen)).toContain(why);
  });
});

describe('a database under a URL where it does not belong', () => {
  const other: ReplicaIdentity = { ...member, incarnation: 'two', name: 'r2', boot: 'boot 2' };
  const others = [{ id: 'r2', found: other }];
  const refuse = (found: ReplicaIdentity, cluster?: string) => () =>
    refuseWrongDatabase({ id: 'r1', found }, others, cluster);

  test('is one of this cluster, under its own name; or new', () => {
    expect(refuse(member)).not.toThrow();
    expect(refuse(member, 'cluster')).not.toThrow();
    const empty = { ...member, standing: 'new', cluster: undefined, name: undefined } as const;
    expect(refuse(empty, 'cluster')).not.toThrow();
  });

  test.each([
    ['belongs to another cluster', { ...member, cluster: 'foreign' }, undefined],
    ['belongs to another cluster', { ...member, cluster: 'foreign' }, 'cluster'],
    ['whether URLs were swapped', { ...member, name: 'r3' }, 'cluster'],
    ['are the same database', other, 'cluster'],
    ['is a copy', { ...other, boot: 'boot 3' }, 'cluster'],
  ])('is refused with a sentence for the operator: %s', (sentence, found, cluster) => {
    expect(refuse(found, cluster)).toThrow(WrongDatabase);
    expect(refuse(found, cluster)).toThrow(sentence);
  });

  test('of two URLs of one database, the one that it is named after is right', () => {
    const twins = [{ id: 'r2', found: member }];
    expect(() => refuseWrongDatabase({ id: 'r1', found: member }, twins, 'cluster')).not.toThrow();
  });
});
