import type { Role } from '../config.ts';
import type { Caller } from '../consistency/store.ts';

export type { Role };

/** Who asks, and what he may do. The tenant comes from the credential and from nothing else. */
export interface Principal extends Caller {
  readonly role: Role;
}

/** Weaker to stronger: each role may do all that those before it may. */
const roles = ['READER', 'WRITER', 'ADMIN', 'OPERATOR'] as const satisfies readonly Role[];

/** Whether a principal may do what needs `role`. */
export function mayActAs(principal: Principal, role: Role): boolean {
  return roles.indexOf(principal.role) >= roles.indexOf(role);
}
