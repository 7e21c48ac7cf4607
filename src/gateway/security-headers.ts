import type { ServerResponse } from 'node:http';

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
const always: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  // Of loads without CORS only (an image, a script): answers to `fetch` are what CORS allows.
  'cross-origin-resource-policy': 'same-origin',
};

/** Sets them before anything of the answer is known, so that no way out goes without. */
export function setSecurityHeaders(response: ServerResponse, { httpsOnly }: HeaderSettings): void {
  for (const [name, value] of Object.entries(always)) response.setHeader(name, value);
  // Over plain HTTP it would be ignored, and where nobody said that TLS is there it could lock out.
  if (httpsOnly) response.setHeader('strict-transport-security', `max-age=${httpsOnlyForSeconds}`);
}
