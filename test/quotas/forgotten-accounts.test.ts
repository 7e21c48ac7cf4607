import { expect, test } from '@jest/globals';
import { Admission } from '../../src/quotas/admission.ts';
import type { Quota } from '../../src/tenancy/tenant-record.ts';
import { HandClock } from '../coordinator/hand-clock.ts';

const weight = { cost: 1 };
const accountsMax = 50;

function gate(quota: Quota) {
  const clock = new HandClock();
  const admission = new Admission({ clock, accountsMax, quotaOf: () => quota });
  const ask = (tenant: string): boolean => {
    const account = admission.of(tenant);
    if (admission.admit(account, weight)) return false;
    account.leave();
    return true;
  };
  const flood = (from: number, count: number): void => {
    for (let nth = from; nth < from + count; nth += 1) ask(`t${nth}`);
  };
  return { clock, admission, ask, flood, remembered: () => [...admission.accounts()].length };
}

test('a flood of other tenants does not fill the bucket of one who has emptied it', () => {
  // Guard: `Account.isIdle` looks at the buckets. Without it, he is forgotten as the oldest, and what
  // he has is new.
  const { ask, flood } = gate({ requestsPerSecond: 3 });
  const granted = () => Array.from({ length: 5 }, () => ask('greedy')).filter(Boolean).length;
  expect(granted()).toBe(3);
  flood(0, 200);
  expect(granted()).toBe(0);
});

test('who has let a second pass is forgotten, and no more are remembered than were busy', async () => {
  const { clock, flood, remembered } = gate({ requestsPerSecond: 3 });
  flood(0, 200);
  expect(remembered()).toBeLessThanOrEqual(200);
  await clock.advance(1_000);
  flood(200, 400);
  expect(remembered()).toBeLessThanOrEqual(400 + accountsMax);
  await clock.advance(1_000);
  for (let round = 0; round < 40; round += 1) {
    flood(1_000 + round, 1);
    await clock.advance(1_000);
  }
  // One leaves for each that comes.
  expect(remembered()).toBeLessThanOrEqual(400 + accountsMax);
});

test('who has a request under way is not forgotten', () => {
  const { admission, flood } = gate({});
  const account = admission.of('slow');
  expect(admission.admit(account, weight)).toBeUndefined();
  flood(0, 200);
  expect(admission.of('slow')).toBe(account);
});
