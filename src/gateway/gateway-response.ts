import {
  ServerResponse,
  type IncomingMessage,
  type OutgoingHttpHeader,
  type OutgoingHttpHeaders,
} from 'node:http';

export interface HeaderSettings {
  /** Browsers reach this gateway by HTTPS only, and may be told to keep to that. */
  readonly httpsOnly: boolean;
}

/** A year: shorter is not taken for a decision by the lists that browsers are shipped with. */
const httpsOnlyForSeconds = 31_536_000;

/**
 * What every answer tells a browser, whoever gives it: bytes are what their type says, nothing of
 * it is a page, no other page may frame it or load it, and no address is passed on.
 *
 * GraphiQL's page replaces the policy by its own; everything else is data, and needs nothing.
 */
const always: readonly (readonly [name: string, value: string])[] = [
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
  ['x-frame-options', 'DENY'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  // Of loads without CORS only (an image, a script): answers to `fetch` are what CORS allows.
  ['cross-origin-resource-policy', 'same-origin'],
];

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

/**
 * The answers of a gateway: whoever writes the head of one, Node itself included, writes the security
 * headers with it, so that no way out goes without.
 *
 * A flat list of headers, where no other was set before, is written as it is and checked once; it must
 * name none of those that are always there.
 */
export function gatewayResponses({ httpsOnly }: HeaderSettings): typeof ServerResponse {
  // Over plain HTTP it would be ignored, and where nobody said that TLS is there it could lock out.
  const forHttps = ['strict-transport-security', `max-age=${httpsOnlyForSeconds}`] as const;
  const fixed = httpsOnly ? [...always, forHttps] : always;
  const flat = fixed.flat();

  return class GatewayResponse<R extends IncomingMessage> extends ServerResponse<R> {
    override writeHead(status: number, reason?: string | Headers, given?: Headers): this {
      const headers = typeof reason === 'string' ? given : reason;
      if (Array.isArray(headers) && this.getHeaderNames().length === 0) {
        const all = [...flat, ...headers];
        return typeof reason === 'string'
          ? super.writeHead(status, reason, all)
          : super.writeHead(status, all);
      }
      for (const [name, value] of fixed) if (!this.hasHeader(name)) this.setHeader(name, value);
      return typeof reason === 'string'
        ? super.writeHead(status, reason, given)
        : super.writeHead(status, reason);
    }
  };
}
