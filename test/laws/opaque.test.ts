import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { seenOf } from '../../src/causality/cell.ts';
import { entryOf } from '../../src/consistency/entry.ts';
import { keyspaceDefaults, type Keyspace } from '../../src/consistency/keyspace.ts';
import { openContext, openCursor, sealContext, sealCursor } from '../../src/consistency/opaque.ts';
import { createSealer, type SealKind } from '../../src/consistency/seal.ts';
import { StoreError } from '../../src/errors.ts';
import { histories } from '../causality/histories.ts';

const sealer = createSealer(['a key of the house, long enough']);
const kinds: readonly SealKind[] = ['context', 'cursor', 'bookmark', 'session', 'writeId'];
const kind = fc.constantFrom(...kinds);
const payload = fc.string({ unit: 'binary', maxLength: 40 });
const place = fc.array(fc.string({ unit: 'binary', maxLength: 6 }), { minLength: 1, maxLength: 3 });

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof StoreError && error.code === 'BAD_USER_INPUT') return 'refused';
    throw error;
  }
  return 'opened';
}

describe('a sealed string', () => {
  test('opens to what was sealed', () => {
    fc.assert(
      fc.property(kind, place, payload, (kind, place, payload) => {
        const token = sealer.seal(kind, place, payload);
        expect(sealer.open(kind, place, token, 'after')).toBe(payload);
        expect(token).toMatch(/^[A-Za-z0-9_.-]+$/);
      }),
    );
  });

  test('is refused with any one bit changed', () => {
    fc.assert(
      fc.property(kind, place, payload, fc.nat(), fc.nat(7), (kind, place, payload, at, bit) => {
        const token = Buffer.from(sealer.seal(kind, place, payload), 'latin1');
        const where = at % token.length;
        token[where] = token[where]! ^ (1 << bit);
        const changed = token.toString('latin1');
        expect(refusal(() => sealer.open(kind, place, changed, 'after'))).toBe('refused');
      }),
      { numRuns: 500 },
    );
  });

  test('is refused when it was cut short or added to', () => {
    fc.assert(
      fc.property(kind, place, payload, fc.nat(), (kind, place, payload, at) => {
        const token = sealer.seal(kind, place, payload);
        const cut = token.slice(0, at % token.length);
        for (const changed of [
          cut,
          `${token}A`,
          `A${token}`,
          `${token}=`,
          `${token}.`,
          ` ${token}`,
        ]) {
          expect(refusal(() => sealer.open(kind, place, changed, 'after'))).toBe('refused');
        }
      }),
    );
  });

  test('is refused as another kind, in another place, and from another house', () => {
    fc.assert(
      fc.property(kind, kind, place, place, payload, (kind, other, place, elsewhere, payload) => {
        const token = sealer.seal(kind, place, payload);
        if (other !== kind) {
          expect(refusal(() => sealer.open(other, place, token, 'after'))).toBe('refused');
        }
        if (JSON.stringify(elsewhere) !== JSON.stringify(place)) {
          expect(refusal(() => sealer.open(kind, elsewhere, token, 'after'))).toBe('refused');
        }
        const foreign = createSealer(['another key']).seal(kind, place, payload);
        expect(refusal(() => sealer.open(kind, place, foreign, 'after'))).toBe('refused');
      }),
    );
  });

  test('does not confuse places whose names run together', () => {
    const token = sealer.seal('context', ['ab', 'c'], 'x');
    for (const place of [['a', 'bc'], ['abc'], ['ab', 'c', ''], ['ab', '1:c'], ['ab']]) {
      expect(refusal(() => sealer.open('context', place, token, 'context'))).toBe('refused');
    }
  });

  test('outlives the key that signed it for as long as that key is still accepted', () => {
    const token = createSealer(['old']).seal('cursor', ['t'], 'x');
    expect(createSealer(['new', 'old']).open('cursor', ['t'], token, 'after')).toBe('x');
    expect(refusal(() => createSealer(['new']).open('cursor', ['t'], token, 'after'))).toBe(
      'refused',
    );
  });

  test.each(['', '.', '..', 'a', 'a.b', '=.=', '\0.\0', 'é.é', 'A'.repeat(100_000)])(
    'is refused, and nothing thrown but that, when it is %j',
    (token) => {
      expect(refusal(() => sealer.open('cursor', ['t'], token, 'after'))).toBe('refused');
    },
  );
});

describe('a causal context (trap 15: forged, or of another tenant or key)', () => {
  const keyspace: Keyspace = {
    ...keyspaceDefaults,
    tenant: 'acme',
    name: 'carts',
    storageName: 'carts',
  };

  test('says to the next write exactly what its reader had seen', () => {
    fc.assert(
      fc.property(histories, ({ states }) => {
        for (const { cell } of states) {
          const entry = entryOf(keyspace, '42', { cell, nowMs: 0 });
          const opened = openContext(sealer, { keyspace, key: '42' }, sealContext(sealer, entry));
          expect(opened).toEqual(seenOf(cell));
        }
      }),
      { numRuns: 50 },
    );
  });

  test('carries the write ids of consensus versions, whose dots may be moved', () => {
    const version = { dot: { actor: 'pi', counter: 7 }, writeId: 'w', writtenAtUs: 1, value: '1' };
    const cell = { siblings: [version], context: new Map([['pi', 7]]) };
    const token = sealContext(sealer, entryOf(keyspace, '42', { cell, nowMs: 0 }));
    expect(openContext(sealer, { keyspace, key: '42' }, token).writeIds).toEqual(['w']);
  });

  test('is refused for another key, keyspace, tenant, and for a keyspace that was created anew', () => {
    const token = sealContext(
      sealer,
      entryOf(keyspace, '42', { cell: { siblings: [], context: new Map() }, nowMs: 0 }),
    );
    const others = [
      { keyspace, key: '43' },
      { keyspace: { ...keyspace, tenant: 'other' }, key: '42' },
      { keyspace: { ...keyspace, storageName: 'carts@2' }, key: '42' },
    ];
    for (const at of others) expect(refusal(() => openContext(sealer, at, token))).toBe('refused');
    expect(refusal(() => openContext(sealer, { keyspace, key: '42' }, token))).toBe('opened');
  });

  test('with huge counters, which would dominate for ever, is refused from any other house', () => {
    // Guard: the signature of `createSealer`.
    const version = { dot: { actor: 'a', counter: 1 }, writeId: 'w', writtenAtUs: 1, value: '1' };
    const huge = new Map([['a', Number.MAX_SAFE_INTEGER]]);
    const entry = entryOf(keyspace, '42', {
      cell: { siblings: [version], context: huge },
      nowMs: 0,
    });
    const forger = createSealer(['a key that the forger has made up']);
    const forged = sealContext(forger, entry);
    expect(refusal(() => openContext(sealer, { keyspace, key: '42' }, forged))).toBe('refused');
    expect(refusal(() => openContext(forger, { keyspace, key: '42' }, forged))).toBe('opened');
  });

  test('is not a cursor, nor a cursor a context', () => {
    const cursor = sealCursor(sealer, keyspace, '42');
    expect(refusal(() => openContext(sealer, { keyspace, key: '42' }, cursor))).toBe('refused');
    expect(openCursor(sealer, keyspace, { token: cursor, field: 'after' })).toBe('42');
  });
});
