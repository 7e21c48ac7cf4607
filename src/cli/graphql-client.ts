import type { Clock } from '../runtime/clock.ts';

/** A gateway, and who asks it. */
export interface GatewayAddress {
  readonly url: string;
  readonly apiKey: string | undefined;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

interface Answer {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly { message: string; extensions?: { code?: string } }[];
}

/** Runs one operation at a gateway. Rejects with one sentence: what the gateway said, or why not. */
export async function askGateway<T>(
  { url, apiKey, timeoutMs, clock }: GatewayAddress,
  query: string,
  variables: Readonly<Record<string, unknown>>,
): Promise<T> {
  const stop = new AbortController();
  const cancel = clock.after(timeoutMs, () => stop.abort());
  try {
    const response = await fetch(endpointOf(url), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json',
        ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify({ query, variables }),
      signal: stop.signal,
      // Who answers elsewhere is not the gateway that the key is for.
      redirect: 'error',
    });
    const { data, errors } = (await response.json()) as Answer;
    const [error] = errors ?? [];
    if (error) throw new Refusal(`${error.message} (${error.extensions?.code ?? 'no code'})`);
    return data as T;
  } catch (error) {
    if (error instanceof Refusal) throw error;
    if (stop.signal.aborted)
      throw new Error(`${url} has not answered within ${timeoutMs} ms`, { cause: error });
    const { cause, message } = error as Error;
    const reason = cause instanceof Error ? cause.message : message;
    throw new Error(`${url} does not answer as a gateway: ${reason}`, { cause: error });
  } finally {
    cancel();
  }
}

/** What the gateway itself said: it is there, and does not do it. */
export class Refusal extends Error {}

/** The address of GraphQL, of the gateway's address or its own. */
function endpointOf(url: string): URL {
  const endpoint = new URL(url);
  if (endpoint.pathname === '/') endpoint.pathname = '/graphql';
  return endpoint;
}
