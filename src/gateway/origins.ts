import type { IncomingMessage } from 'node:http';

/**
 * Whether a socket may be opened from where the request says it comes.
 *
 * Browsers let any page open a socket to any host, and name the page in `Origin`; other clients
 * send none. Without this check a page
 * could use a gateway that trusts its network (`dev` does).
 */
export function isOriginAllowed({ headers }: IncomingMessage, origins: readonly string[]): boolean {
  const { origin, host } = headers;
  if (origin === undefined || origins.includes('*') || origins.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}
