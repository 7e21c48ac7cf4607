import { request } from 'node:http';
import type { Edge } from './edge.ts';

/** What the two lanes of a gateway are both sent. */
export interface Sent {
  readonly body?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly path?: string;
}

/** All of an answer but what is another one each time. */
export interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** Not `fetch`, which adds headers of its own. */
export function post(
  edge: Pick<Edge, 'origin'>,
  { body, headers, method = 'POST', path = '/graphql' }: Sent,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const all = { 'content-type': 'application/json', ...headers };
    const sending = request(`${edge.origin}${path}`, { method, headers: all }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => {
        const rest = { ...response.headers, date: undefined };
        resolve({ status: response.statusCode, headers: shown(rest), text: steady(text) });
      });
      response.on('error', reject);
    });
    sending.on('error', reject);
    sending.end(body);
  });
}

/** Random ids of errors, signatures, and what depends on the moment, are as different as they should be. */
function steady(text: string): string {
  return text
    .replaceAll(/"errorId":"[^"]+"/g, '"errorId":"-"')
    .replaceAll(/"(retryAfterMs|used)":[0-9.]+/g, '"$1":0');
}

function shown(headers: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { 'quorate-session': session, ...rest } = headers;
  return { ...rest, hasSession: session !== undefined };
}
