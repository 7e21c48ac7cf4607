import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { verdict, type Tally } from '../../src/coordinator/tally.ts';

const tallies: fc.Arbitrary<Tally> = fc
  .record({ sent: fc.nat(9), need: fc.nat(10), good: fc.nat(9), bad: fc.nat(9) })
  .map(({ sent, need, good, bad }) => {
    const acks = Math.min(good, sent);
    return { sent, need, acks, faults: Math.min(bad, sent - acks) };
  });

describe('a verdict', () => {
  test('is met exactly when enough have said yes', () => {
    fc.assert(
      fc.property(tallies, (tally) => {
        expect(verdict(tally) === 'met').toBe(tally.acks >= tally.need);
      }),
    );
  });

  test('is pending exactly while those who are silent could still decide it', () => {
    fc.assert(
      fc.property(tallies, (tally) => {
        const silent = tally.sent - tally.acks - tally.faults;
        const open = tally.acks < tally.need && tally.acks + silent >= tally.need;
        expect(verdict(tally) === 'pending').toBe(open);
      }),
    );
  });

  test('never changes its mind once it is not pending', () => {
    fc.assert(
      fc.property(tallies, fc.boolean(), (tally, yes) => {
        const before = verdict(tally);
        if (before === 'pending' || tally.acks + tally.faults === tally.sent) return;
        const next = yes
          ? { ...tally, acks: tally.acks + 1 }
          : { ...tally, faults: tally.faults + 1 };
        expect(verdict(next)).toBe(before);
      }),
    );
  });

  test('needs nobody when nobody is needed', () => {
    expect(verdict({ sent: 0, need: 0, acks: 0, faults: 0 })).toBe('met');
    expect(verdict({ sent: 0, need: 1, acks: 0, faults: 0 })).toBe('unreachable');
  });
});
