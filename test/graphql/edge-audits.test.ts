import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { serverAudits } from 'graphql-http';
import { startMemoryEdge, type MemoryEdge } from '../support/edge.ts';

describe.each([
  ['fast', true],
  ['slow', false],
] as const)('the %s lane conforms to GraphQL over HTTP', (_name, fastLane) => {
  let edge: MemoryEdge;
  beforeAll(async () => void (edge = await startMemoryEdge({ fastLane })));
  afterAll(() => edge.close());
  const audits = serverAudits({ url: () => edge.url, fetchFn: fetch });

  test('there are 61 audits', () => {
    expect(audits).toHaveLength(61);
  });

  for (const audit of audits) {
    test(`${audit.id} ${audit.name}`, async () => {
      const result = await audit.fn();
      if (result.status === 'ok') return;
      throw new Error(`${result.status}: ${result.reason}`);
    });
  }
});
