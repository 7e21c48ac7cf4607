import type { ServerResponse } from 'node:http';

/**
 * The answers that are still owed, for the end of the gateway.
 *
 * Each tells its client not to use the connection again: one that is kept alive would hold the end up
 * until it has been idle for long enough. A stream of events is cut: `event: complete` would say
 * that the subscription is over, and a client that loses its stream asks for it again, elsewhere.
 */
export class OpenAnswers {
  readonly #open = new Set<ServerResponse>();

  add(response: ServerResponse): void {
    this.#open.add(response);
    response.on('close', () => this.#open.delete(response));
  }

  /** The connection ends with this answer, also where its header has gone out already. */
  closeAfter(response: ServerResponse): void {
    if (!response.headersSent) response.setHeader('connection', 'close');
    else response.once('finish', () => response.socket?.end());
  }

  closeAll(): void {
    for (const response of this.#open) {
      if (isStream(response)) response.destroy();
      else this.closeAfter(response);
    }
  }
}

function isStream(response: ServerResponse): boolean {
  return String(response.getHeader('content-type')).startsWith('text/event-stream');
}
