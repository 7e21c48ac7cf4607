import { createHmac } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createSealer } from '../../src/consistency/seal.ts';

test('what is signed with two plain hashes is HMAC-SHA-256, for keys shorter and longer than a block', () => {
  for (const key of ['k', 'é'.repeat(32), 'x'.repeat(64), 'y'.repeat(65), 'z'.repeat(300)]) {
    const token = createSealer([key]).seal('session', ['tenant'], 'päyload');
    const message = '7:session6:tenant7:päyload';
    const mac = createHmac('sha256', key).update(message).digest().subarray(0, 16);
    expect(token.split('.')[1]).toBe(mac.toString('base64url'));
  }
});
