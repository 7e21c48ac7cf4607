import type { Sealer } from './seal.ts';

/** A session that has seen nothing yet. */
export function sealSession(sealer: Sealer, tenant: string): string {
  return sealer.seal('session', [tenant], '{}');
}

/** Refuses a session that was not given out to this tenant, at every level: BAD_USER_INPUT. */
export function openSession(sealer: Sealer, tenant: string, token: string | undefined): void {
  if (token !== undefined) sealer.open('session', [tenant], token, 'session');
}
