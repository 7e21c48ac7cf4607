import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';

interface Deps {
  /** Whether a majority of the replicas has been reached. */
  readonly ready: () => boolean | Promise<boolean>;
  readonly isDraining: () => boolean;
  readonly metrics: Metrics;
  /** Those of several processes together; undefined when they could not be had. */
  readonly metricsText?: (() => Promise<string | undefined>) | undefined;
  readonly log: Log;
}

/**
 * What machines ask a gateway: is it alive, may it be given work, how is it doing. Answers
 * undefined for any other path.
 *
 * Nothing of a failure is told: these paths need no credential, and errors name hosts.
 */
export function createHealth({ ready, isDraining, metrics, metricsText, log }: Deps) {
  async function isReady(): Promise<boolean> {
    if (isDraining()) return false;
    try {
      return await ready();
    } catch (error) {
      log.warn({ err: error }, 'readiness could not be told');
      return false;
    }
  }

  return async (
    path: string,
    _request: IncomingMessage,
    response: ServerResponse,
  ): Promise<boolean> => {
    switch (path) {
      case '/healthz':
        sendJson(response, 200, { alive: true });
        return true;
      case '/readyz': {
        const verdict = await isReady();
        sendJson(response, verdict ? 200 : 503, { ready: verdict });
        return true;
      }
      case '/metrics':
        response.writeHead(200, {
          'content-type': metrics.registry.contentType,
          'cache-control': 'no-store',
        });
        response.end((await metricsText?.()) ?? (await metrics.registry.metrics()));
        return true;
      default:
        return false;
    }
  };
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
  });
  response.end(JSON.stringify(body));
}
