import { AuditLog } from './audit/audit-log.ts';
import { auditedAuthenticator } from './audit/audited-authenticator.ts';
import type { AssembledStore } from './assemble-store.ts';
import type { Config } from './config.ts';
import { SystemLog } from './consistency/system-log.ts';
import { SystemRecords } from './consistency/system-records.ts';
import { TenantAdministration } from './tenancy/administration.ts';
import { createAuthenticator, type Authenticator } from './tenancy/authenticate.ts';
import { createTokenVerifier } from './tenancy/json-web-tokens.ts';
import { apiKeyRecords, tenantRecords } from './tenancy/tenant-record.ts';

/** Who may come in, and what operators do about it. */
export interface Tenancy {
  readonly tenants: TenantAdministration;
  readonly authenticator: Authenticator;
  readonly audit: AuditLog;
  close(): Promise<void>;
}

/** What tenancy and the audit log keep in the replicas; whoever repairs must know that it is there. */
export function openRecords({ deps, cluster }: AssembledStore, auditDays: number) {
  const keptMs = auditDays * 86_400_000;
  return {
    tenantRecords: new SystemRecords(deps, cluster, tenantRecords),
    apiKeyRecords: new SystemRecords(deps, cluster, apiKeyRecords),
    entries: new SystemLog(deps, cluster, { name: 'audit', keptMs }),
  };
}

/** Tenants and credentials of one gateway, over the directory in the replicas. */
export function openTenancy(parts: {
  config: Pick<Config, 'auth' | 'auditDays'>;
  mode: 'dev' | 'serve';
  assembled: AssembledStore;
}): Tenancy {
  const { config, mode, assembled } = parts;
  const { deps, store, sealer } = assembled;
  const { clock, random, log } = deps;
  const { entries, ...records } = openRecords(assembled, config.auditDays);
  const tenants = new TenantAdministration({
    ...records,
    store,
    clock,
    random,
    log,
  });
  const { apiKeys, anonymousTenant, jwt } = config.auth;
  const authenticator = createAuthenticator({
    clock,
    apiKeys,
    anonymousTenant,
    anonymousRole: mode === 'dev' ? 'OPERATOR' : 'ADMIN',
    directory: tenants,
    tokens: jwt && createTokenVerifier(jwt, clock),
  });
  const sweeping = tenants.startSweeping();
  const audit = new AuditLog({ entries, sealer, clock, log });
  const recording = audit.start();
  return {
    tenants,
    authenticator: auditedAuthenticator(authenticator, audit),
    audit,
    async close() {
      sweeping.stop();
      await recording.stop();
    },
  };
}
