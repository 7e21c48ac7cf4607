import type { Role } from '../config.ts';
import type { Caller } from '../consistency/store.ts';

export type { Role };

/**
 * Who asks, and what he may do. The tenant comes from the credential and from nothing else; it is
 * the tenant as its data is filed (see `filedAs`).
 */
export interface Principal extends Caller {
  readonly role: Role;
  /** Patterns of the keyspaces it is limited to; undefined: all of the tenant. */
  readonly keyspaces?: readonly string[] | undefined;
  /** When the credential ends by itself, in ms since 1970. */
  readonly expiresAtMs?: number | undefined;
  /** The visible prefix of the API key, when it is one of the directory's: it can be revoked. */
  readonly apiKey?: string | undefined;
  /** What the credential is called in the audit log; nothing of it is secret. */
  readonly credential?: string | undefined;
}

/** Weaker to stronger: each role may do all that those before it may. */
export const roles = ['READER', 'WRITER', 'ADMIN', 'OPERATOR'] as const satisfies readonly Role[];

/** Whether `role` may do what needs `needed`. */
export function mayActAs(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}

/**
 * The name under which everything of a tenant is filed: rows, contexts, cursors, sessions. A tenant
 * that was dropped and created again is filed under another one, so that nothing old is its own.
 */
export function filedAs(name: string, generation: number): string {
  return generation === 1 ? name : `${name}@${generation}`;
}

/** The name that people know: the inverse of `filedAs`. Names of tenants hold no `@`. */
export function tenantNameOf(filed: string): string {
  const end = filed.indexOf('@');
  return end < 0 ? filed : filed.slice(0, end);
}
