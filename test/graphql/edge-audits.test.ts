import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { serverAudits } from 'graphql-http';
import { startMemoryEdge, type MemoryEdge } from '../support/edge.ts';

let edge: MemoryEdge;
beforeAll(async () => void (edge = await startMemoryEdge()));
afterAll(() => edge.close());

const audits = serverAudits({ url: () => edge.url, fetchFn: fetch });

test('there are 61 audits', () => {
  expect(audits).toHaveLength(61);
});

describe('the endpoint conforms to GraphQL over HTTP', () => {
  for (const audit of audits) {
    test(`${audit.id} ${audit.name}`, async () => {
      const result = await audit.fn();
      if (result.status === 'ok') return;
      throw new Error(`${result.status}: ${result.reason}`);
    });
  }
});
