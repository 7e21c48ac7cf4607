import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { connect } from '../../src/replica/postgres/connection.ts';
import { systemClock } from '../../src/runtime/clock.ts';

test('a server that hangs up while the connection is being opened is DOWN: nothing is lost that never was', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const lost: string[] = [];
  const opening = connect({
    url: `postgres://nobody@127.0.0.1:${port}/nothing`,
    lane: 'read',
    connectMs: 2_000,
    clock: systemClock,
    onLost: (reason) => lost.push(reason),
  });
  server.unref(); // also when what follows fails
  await expect(opening).rejects.toMatchObject({ fault: 'DOWN', maybeApplied: false });
  await systemClock.sleep(20);
  expect(lost).toEqual([]);
  server.close();
});
