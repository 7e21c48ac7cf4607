import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runProgram } from '../support/process.ts';
import { startRealEdge, type RealEdge } from '../support/real-edge.ts';

let edge: RealEdge;
beforeAll(async () => void (edge = await startRealEdge()));
afterAll(() => edge.close());

test('the example of Apollo Client runs, and says what it found', async () => {
  const example = runProgram('examples/apollo/main.ts', [edge.origin]);
  expect({ ended: await example.ended, said: example.output() }).toEqual({
    ended: 0,
    said: expect.stringContaining('both read back: [["apple","pear"],["plum"]]'),
  });
  expect(example.output()).toContain('in the cache after a read at ONE: ["apple","pear"]');
});
