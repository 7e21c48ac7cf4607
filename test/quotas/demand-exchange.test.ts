import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Admission } from '../../src/quotas/admission.ts';
import { DemandExchange } from '../../src/quotas/demand-exchange.ts';
import { MemoryBoard } from '../../src/replica/memory-board.ts';
import { silentLog } from '../../src/runtime/log.ts';
import type { Quota } from '../../src/tenancy/tenant-record.ts';
import { HandClock } from '../coordinator/hand-clock.ts';

/** Several gateways under one clock that a test moves, over the boards of three replicas. */
class World {
  readonly clock = new HandClock();
  readonly boards = [1, 2, 3].map(() => new MemoryBoard(this.clock));
  readonly gateways: { admission: Admission; exchange: DemandExchange }[] = [];
  quota: Quota;

  constructor(gateways: number, quota: Quota) {
    this.quota = quota;
    for (let nth = 0; nth < gateways; nth++) this.open();
  }

  open(): void {
    const { clock, boards } = this;
    const admission = new Admission({ clock, quotaOf: () => this.quota });
    const gateway = `gateway-${this.gateways.length}`;
    const exchange = new DemandExchange({ clock, log: silentLog, admission, boards, gateway });
    this.gateways.push({ admission, exchange });
  }

  /**
   * Some seconds in which each gateway is asked so often a second, by requests that end at once; how
   * many each let in.
   */
  async run(seconds: number, perSecond: readonly number[], cost = 1): Promise<readonly number[]> {
    const admitted = this.gateways.map(() => 0);
    const stepMs = 20;
    for (let atMs = 0; atMs < seconds * 1_000; atMs += stepMs) {
      const dueBy = (ms: number, rate = 0): number => Math.floor((ms * rate) / 1_000);
      for (const [nth, { admission }] of this.gateways.entries()) {
        const due = dueBy(atMs + stepMs, perSecond[nth]) - dueBy(atMs, perSecond[nth]);
        for (let asked = 0; asked < due; asked++) {
          const account = admission.of('tenant');
          if (admission.admit(account, { cost })) continue;
          account.leave();
          admitted[nth] = (admitted[nth] ?? 0) + 1;
        }
      }
      await this.clock.advance(stepMs);
      if ((atMs / stepMs) % 50 === 49)
        for (const { exchange } of this.gateways) await exchange.pass();
    }
    return admitted;
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((one, two) => one + two, 0);

// Without `exchange.pass` in `run` each gateway gives the whole limit: the sum is as many times it.
describe('a limit that several gateways keep together', () => {
  test('holds for the sum within a tenth after a few seconds, however the flood is spread', async () => {
    const spreads = [
      [1_000, 1_000],
      [1_900, 100],
      [2_000, 0, 0],
      [700, 700, 700],
      [50, 3_000],
    ];
    for (const spread of spreads) {
      const world = new World(spread.length, { requestsPerSecond: 200 });
      await world.run(4, spread);
      const admitted = sum(await world.run(10, spread));
      expect([spread, admitted >= 1_800 && admitted <= 2_200]).toEqual([spread, true]);
    }
  });

  test('is given whole where the tenant asks, and follows it when it moves', async () => {
    const world = new World(2, { requestsPerSecond: 100 });
    await world.run(4, [1_000, 0]);
    expect(sum(await world.run(5, [1_000, 0]))).toBeGreaterThanOrEqual(450);
    await world.run(5, [0, 1_000]);
    const [first = 0, second = 0] = await world.run(5, [0, 1_000]);
    expect([first, second >= 450 && second <= 550]).toEqual([0, true]);
  });

  test('is no limit to whoever asks for less, at whichever gateway', async () => {
    const world = new World(3, { requestsPerSecond: 300 });
    await world.run(3, [100, 80, 20]);
    expect(await world.run(5, [100, 80, 20])).toEqual([500, 400, 100]);
  });

  test('of cost holds as one of requests does', async () => {
    const world = new World(2, { costPerSecond: 1_000 });
    await world.run(4, [100, 300], 10);
    const cost = 10 * sum(await world.run(10, [100, 300], 10));
    expect(cost).toBeGreaterThan(9_000);
    expect(cost).toBeLessThan(11_000);
  });

  test('goes to those that are left within seconds of the end of a gateway', async () => {
    const world = new World(2, { requestsPerSecond: 100 });
    await world.run(4, [500, 500]);
    world.gateways.pop();
    const [stays] = world.gateways;
    expect(stays!.admission.gateways).toBe(2);
    await world.run(8, [500]);
    expect(stays!.admission.gateways).toBe(1);
    expect(sum(await world.run(5, [500]))).toBeGreaterThanOrEqual(450);
  });

  test('is kept with the parts that were, while no board answers, and with one of three as with all', async () => {
    const world = new World(2, { requestsPerSecond: 100 });
    await world.run(4, [500, 500]);
    for (const board of world.boards.slice(1)) board.failure = new Error('down');
    expect(sum(await world.run(5, [500, 500]))).toBeLessThanOrEqual(550);
    world.boards[0]!.failure = new Error('down');
    expect(sum(await world.run(5, [500, 500]))).toBeLessThanOrEqual(550);
  });

  test('follows what an operator makes of it', async () => {
    const world = new World(2, { requestsPerSecond: 100 });
    await world.run(3, [500, 500]);
    world.quota = { requestsPerSecond: 400 };
    await world.run(2, [500, 500]);
    const admitted = sum(await world.run(5, [500, 500]));
    expect(admitted >= 1_800 && admitted <= 2_200).toBe(true);
    world.quota = {};
    expect(sum(await world.run(2, [500, 500]))).toBe(2_000);
  });
});

describe('what is open at several gateways', () => {
  const fill = async ({ admission }: { admission: Admission }): Promise<number> => {
    let opened = 0;
    try {
      for (; opened < 1_000; opened++) await admission.open('tenant', 'sockets');
    } catch (error) {
      expect(error).toMatchObject({ code: 'LIMIT_EXCEEDED', details: { quota: 'sockets' } });
    }
    return opened;
  };

  // Without `look` in admission.ts each takes its part of what it does not know to be open.
  test('is no more than the limit when they fill up one after another', async () => {
    for (const limit of [1, 2, 10, 50]) {
      const world = new World(3, { sockets: limit });
      for (const { exchange } of world.gateways) await exchange.pass();
      const opened: number[] = [];
      for (const gateway of world.gateways) opened.push(await fill(gateway));
      expect(opened).toEqual([limit, 0, 0]);
    }
  });

  test('is no more than the limit when they fill up at once, and at most one each less', async () => {
    const world = new World(3, { sockets: 30 });
    for (const { exchange } of world.gateways) await exchange.pass();
    const opened = sum(await Promise.all(world.gateways.map(fill)));
    expect(opened).toBeGreaterThanOrEqual(27);
    expect(opened).toBeLessThanOrEqual(30);
  });
});

test('a board on which somebody wrote nonsense lifts no limit', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string(), async (told) => {
      const world = new World(1, { requestsPerSecond: 100 });
      const tells = ['', 'tenant'].map((tenant) => ({ tenant, told }));
      for (const board of world.boards)
        await board.exchange({ gateway: 'stranger', tells, about: [], withinMs: 0 });
      expect(sum(await world.run(3, [500]))).toBeLessThanOrEqual(400);
    }),
    { numRuns: 20 },
  );
});
