import { describe, expect, test } from '@jest/globals';
import {
  detectorLimits,
  observe,
  probeSent,
  shouldProbe,
  unknownHealth,
  type Observation,
  type ReplicaHealth,
} from '../../src/placement/failure-detector.ts';

const answer = (atMs: number, latencyMs = 1): Observation => ({ ok: true, atMs, latencyMs });
const timeout = (atMs: number): Observation => ({ ok: false, atMs, fault: 'TIMEOUT' });
const refusal = (atMs: number): Observation => ({ ok: false, atMs, fault: 'REFUSED' });
const broken = (atMs: number): Observation => ({ ok: false, atMs, fault: 'DOWN' });
const after = (...observations: Observation[]): ReplicaHealth =>
  observations.reduce(observe, unknownHealth);

describe('the failure detector', () => {
  test('suspects a replica after one call without an answer, and gives it up after three', () => {
    expect(unknownHealth.state).toBe('UP');
    expect(after(timeout(1)).state).toBe('SUSPECT');
    expect(after(timeout(1), timeout(2)).state).toBe('SUSPECT');
    expect(after(timeout(1), timeout(2), timeout(3)).state).toBe('DOWN');
  });

  test('gives a replica up at once when its connection is refused', () => {
    expect(after(broken(1)).state).toBe('DOWN');
  });

  test('forgets suspicion at the first answer', () => {
    const health = after(timeout(1), timeout(2), answer(3));
    expect(health.state).toBe('UP');
    expect(observe(observe(health, timeout(4)), timeout(5)).state).toBe('SUSPECT');
  });

  test('never gives up a replica that answers, even if it only ever says no', () => {
    const noes = Array.from({ length: 10 }, (_, at) => refusal(at));
    expect(after(...noes).state).toBe('SUSPECT');
    expect(after(timeout(1), timeout(2), refusal(3), timeout(4)).state).toBe('SUSPECT');
    expect(after(broken(1), refusal(2)).state).toBe('SUSPECT');
  });

  test('lets one probe through at a time', () => {
    const down = after(broken(1_000));
    expect(shouldProbe(down, 1_050)).toBe(false);
    expect(shouldProbe(down, 1_100)).toBe(true);
    const probing = probeSent(down, 1_100);
    expect(shouldProbe(probing, 1_500)).toBe(false);
    expect(observe(probing, answer(1_500)).state).toBe('UP');
  });

  test('sends no probe to a replica that is asked anyway', () => {
    expect(shouldProbe(unknownHealth, 1)).toBe(false);
    expect(shouldProbe(after(timeout(1)), 10_000)).toBe(false);
  });

  test('doubles the wait with every failed probe, but never waits longer than a second', () => {
    let health = after(broken(0));
    let nowMs = 0;
    const waits: number[] = [];
    for (let probe = 0; probe < 7; probe++) {
      waits.push(health.probeNotBeforeMs - nowMs);
      nowMs = health.probeNotBeforeMs;
      health = observe(probeSent(health, nowMs), timeout(nowMs));
    }
    expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000, 1_000]);
  });

  test('is not put off by the late time-outs of calls that were sent before', () => {
    const down = after(timeout(1), timeout(2), timeout(3));
    const later = Array.from({ length: 50 }, (_, at) => timeout(4 + at)).reduce(observe, down);
    expect(later.probeNotBeforeMs).toBe(down.probeNotBeforeMs);
  });

  test('sends another probe when the outcome of one was never told', () => {
    const probing = probeSent(after(broken(0)), 100);
    expect(shouldProbe(probing, 99 + detectorLimits.probeLostMs)).toBe(false);
    expect(shouldProbe(probing, 100 + detectorLimits.probeLostMs)).toBe(true);
  });

  test('keeps a moving average of the latency of answered calls, through an outage too', () => {
    expect(unknownHealth.latencyMs).toBeUndefined();
    expect(after(answer(1, 10)).latencyMs).toBe(10);
    expect(after(answer(1, 10), answer(2, 20)).latencyMs).toBeCloseTo(12);
    expect(after(answer(1, 10), broken(2), answer(3, 10)).latencyMs).toBe(10);
    expect(after(answer(1, 10), timeout(2)).latencyMs).toBe(10);
  });
});
