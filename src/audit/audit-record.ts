import { z } from 'zod';
import { roles, tenantNameOf, type Principal, type Role } from '../tenancy/principal.ts';

const recordSchema = z.object({
  /** When it happened, or began to; ms since 1970. */
  atMs: z.number(),
  /** When it last happened, of what happened again and again. */
  lastMs: z.number(),
  /** How many times. */
  count: z.int().min(1),
  /** The name of the tenant whose credential it was; '' when none was accepted. */
  tenant: z.string(),
  /** Which credential, as far as it may be shown. */
  actor: z.string(),
  role: z.enum(roles).optional(),
  /** `Mutation.createKeyspace`, or what was attempted. */
  action: z.string(),
  /** Names and ids of what it was about; never a value, never a secret. */
  target: z.record(z.string(), z.string()),
  /** `OK`, or the code of the failure. */
  outcome: z.string(),
});

/** Who did what, to what, and what came of it. */
export type AuditRecord = z.output<typeof recordSchema>;

/** What somebody did or tried, before it is counted. */
export type Deed = Pick<AuditRecord, 'action' | 'target' | 'outcome'>;

const textMax = 100;
const namesMax = 20;

/** Who a credential is called in the log. */
export function actorOf(principal: Principal): {
  tenant: string;
  actor: string;
  role: Role;
} {
  const { tenant, credential, role } = principal;
  return { tenant: tenantNameOf(tenant), actor: credential ?? 'unnamed', role };
}

/** The record of one deed, with what a client may have put into it cut to a bounded length. */
export function recordOf(
  who: { tenant: string; actor: string; role?: Role | undefined },
  { action, target, outcome }: Deed,
  atMs: number,
): AuditRecord {
  const named = Object.entries(target).slice(0, namesMax);
  const cut = named.map(([name, value]) => [name.slice(0, textMax), value.slice(0, textMax)]);
  return {
    atMs,
    lastMs: atMs,
    count: 1,
    ...who,
    actor: who.actor.slice(0, textMax),
    action: action.slice(0, textMax),
    target: Object.fromEntries(cut) as Record<string, string>,
    outcome,
  };
}

/** What makes two records one that happened twice. */
export function likenessOf({ tenant, actor, action, target, outcome }: AuditRecord): string {
  return JSON.stringify([tenant, actor, action, target, outcome]);
}

export function encodeRecord(record: AuditRecord): string {
  return JSON.stringify(record);
}

/** Throws when it is not one of ours. */
export function decodeRecord(text: string): AuditRecord {
  return recordSchema.parse(JSON.parse(text));
}
