import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { StoreError } from '../errors.ts';
import type { Engine } from '../graphql/engine.ts';
import type { Hold } from '../quotas/room.ts';
import type { Connection } from './websocket-operation.ts';

/** What a frame of a client has besides what it carries, when that is short: ping and pong are. */
const frameBytes = 6;

/**
 * Counts what has come of a message that is not there as a whole: it is kept as a request's body is,
 * and a socket for which there is no room is closed with 1013. What makes a message of the pieces
 * counts for itself only, up to `maxPayload` for each socket.
 */
export function countArriving(
  socket: WebSocket,
  stream: Duplex,
  { connection, engine }: { connection: Connection; engine: Pick<Engine, 'arriving'> },
): void {
  let hold: Hold | undefined;
  let isCut = false;
  const grow = (piece: Buffer): void => {
    if (isCut) return;
    hold ??= engine.arriving(connection.principal);
    try {
      hold.grow(piece.length);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      isCut = true;
      connection.close(1013, 'Try again later');
      socket.pause();
    }
  };
  const release = (): void => {
    hold?.release();
    hold = undefined;
  };
  const shrink = (data: Buffer): void => hold?.shrink(data.length + frameBytes);
  // Before what makes messages of them: the piece that ends one is counted, and then let go of.
  stream.prependListener('data', grow);
  socket.on('message', release); // from here on it is counted with its operation
  socket.on('ping', shrink).on('pong', shrink);
  socket.once('close', release);
}
