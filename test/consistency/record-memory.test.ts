import { describe, expect, test } from '@jest/globals';
import { RecordMemory } from '../../src/consistency/record-memory.ts';
import { HandClock } from '../coordinator/hand-clock.ts';

const keeping = {
  freshMs: 1_000,
  behindMs: 1_000,
  patienceMs: 500,
  keptMs: 60_000,
  absentMs: 1_000,
  entriesMax: 3,
};

/** A memory over a source that the test changes, slows and breaks. */
function bench() {
  const clock = new HandClock();
  const memory = new RecordMemory<{ v: number }>(clock, keeping);
  const source = { v: 1 as number | undefined, delayMs: 0, broken: false, reads: 0 };
  const load = async (): Promise<{ v: number } | undefined> => {
    source.reads += 1;
    if (source.delayMs > 0) await clock.sleep(source.delayMs);
    if (source.broken) throw new Error('no majority');
    return source.v === undefined ? undefined : { v: source.v };
  };
  const find = async (key = 'k') => (await clock.settled(memory.find(key, load)))?.v;
  return { clock, memory, source, find, load };
}

describe('what a gateway remembers', () => {
  test('is read once while it is fresh, anew while it is used, and never older than its bound', async () => {
    const { clock, source, find } = bench();
    expect([await find(), await find()]).toEqual([1, 1]);
    expect(source.reads).toBe(1);
    source.v = 2;
    await clock.advance(1_500);
    expect(await find()).toBe(1); // used once more, while it is read
    await clock.advance(0);
    expect([await find(), source.reads]).toEqual([2, 2]);
    source.v = 3;
    await clock.advance(2_001);
    expect(await find()).toBe(3); // too old to be used: waited for
  });

  test('is at hand without a promise for as long as nobody is asked, and not a moment longer', async () => {
    const { clock, memory, source, find } = bench();
    expect(memory.fresh('k')).toBeUndefined();
    await find();
    await clock.advance(1_000);
    expect(memory.fresh('k')).toEqual({ v: 1 });
    await clock.advance(1); // fails where `fresh` does not look at the age
    expect(memory.fresh('k')).toBeUndefined();
    expect(source.reads).toBe(1);
  });

  test('is the same object while it says the same', async () => {
    const { clock, memory, load } = bench();
    const first = await memory.find('k', load);
    await clock.advance(3_000);
    expect(await clock.settled(memory.find('k', load))).toBe(first);
  });

  test('is used for a bounded time while it cannot be read', async () => {
    const { clock, source, find } = bench();
    await find();
    source.broken = true;
    await clock.advance(30_000);
    expect(await find()).toBe(1);
    const { reads } = source;
    expect([await find(), source.reads]).toEqual([1, reads]); // and not asked for each time
    await clock.advance(31_000);
    await expect(find()).rejects.toThrow('no majority');
    source.broken = false;
    expect(await find()).toBe(1);
  });

  test('is not waited for again and again while replicas are slow', async () => {
    const { clock, source, find } = bench();
    await find();
    source.delayMs = 5_000;
    await clock.advance(3_000);
    const beganMs = clock.monotonicMs();
    expect(await find()).toBe(1);
    expect(clock.monotonicMs() - beganMs).toBe(500);
    // Who comes later, or asks again in the same request, is not held up for the same reading again.
    expect(await find()).toBe(1);
    expect(clock.monotonicMs() - beganMs).toBe(500);
    expect(source.reads).toBe(2);
  });

  // Guard: the deadline in `find`. Without it a request is answered later than it asked to be.
  test('is not waited for beyond the time of a request', async () => {
    const { clock, memory, source, find, load } = bench();
    await find();
    source.delayMs = 5_000;
    await clock.advance(3_000);
    const beganMs = clock.monotonicMs();
    expect(await clock.settled(memory.find('k', load, beganMs + 34))).toEqual({ v: 1 });
    expect(clock.monotonicMs() - beganMs).toBe(34);
    expect(await clock.settled(memory.find('k', load, beganMs))).toEqual({ v: 1 });
    expect(clock.monotonicMs() - beganMs).toBe(34);
  });

  test('of an absence is short, and only of so many', async () => {
    const { clock, memory, source, find } = bench();
    source.v = undefined;
    for (const key of ['a', 'b', 'c', 'd', 'd', 'd']) expect(await find(key)).toBeUndefined();
    expect([source.reads, memory.isKnown('a'), memory.isKnown('d')]).toEqual([4, false, true]);
    source.v = 1;
    await clock.advance(1_001);
    expect(await find('d')).toBe(1);
  });

  test('is bounded: what was read longest ago goes', async () => {
    const { memory, find } = bench();
    for (const key of ['a', 'b', 'c', 'd']) await find(key);
    expect(['a', 'b', 'c', 'd'].map((key) => memory.holds(key))).toEqual([false, true, true, true]);
  });

  // The guard: `knownMs`. Without it the slow reading puts the old record back.
  test('does not go back behind what this gateway has changed itself', async () => {
    const { clock, memory, source, find, load } = bench();
    await find();
    source.delayMs = 300;
    await clock.advance(1_500);
    const beganMs = clock.monotonicMs(); // a round of its own begins
    await clock.advance(50);
    await memory.find('k', load); // a reading is under way, and will bring 1
    await clock.advance(50);
    memory.changed('k', { v: 9 }, beganMs);
    await clock.advance(1_000);
    expect(await memory.find('k', load)).toEqual({ v: 9 });
  });
});
