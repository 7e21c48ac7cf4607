import type { AssembledStore } from './assemble-store.ts';
import type { Config, KeyspaceConfig } from './config.ts';
import { settingsWith } from './consistency/keyspace-record.ts';
import type { Keyspace, KeyspaceSettings } from './consistency/keyspace.ts';
import { StoreError } from './errors.ts';
import type { TenantAdministration } from './tenancy/administration.ts';
import { isLive } from './tenancy/tenant-directory.ts';

const retryMs = 500;
const giveUpAfterMs = 15_000;
/** Tenants that are entered side by side: all of ten thousand at once would run out of time together. */
const atOnce = 64;

/**
 * Enters the tenants that the configuration names, and creates its keyspaces, where they are not
 * there. Other gateways may be doing the same. What an operator has dropped stays dropped.
 */
export async function bootstrap(
  assembled: AssembledStore,
  { tenants }: Pick<TenantAdministration, 'tenants'>,
  { auth, keyspaces }: Pick<Config, 'auth' | 'keyspaces'>,
): Promise<void> {
  const { clock } = assembled.deps;
  const giveUpMs = clock.monotonicMs() + giveUpAfterMs;
  const named = [...auth.apiKeys, ...keyspaces].map(({ tenant }) => tenant);
  const names = new Set(auth.anonymousTenant ? [auth.anonymousTenant, ...named] : named);
  const enter = async (tenant: string): Promise<void> => {
    const entered = await patiently(assembled, { tenant }, giveUpMs, () => tenants.ensure(tenant));
    if (!entered || !isLive(entered)) return;
    for (const keyspace of keyspaces.filter((one) => one.tenant === tenant))
      await patiently(assembled, { tenant, keyspace: keyspace.name }, giveUpMs, () =>
        createIfAbsent(assembled, entered.filed, keyspace),
      );
  };
  const waiting = names.values();
  const enterNext = async (): Promise<void> => {
    for (const tenant of waiting) await enter(tenant);
  };
  await Promise.all(Array.from({ length: atOnce }, enterNext));
}

async function createIfAbsent(
  { store, deps }: AssembledStore,
  tenant: string,
  { tenant: named, name, ...settings }: KeyspaceConfig,
): Promise<void> {
  const caller = { tenant };
  const given = withoutUndefined(settings);
  const known = await store.keyspace(caller, name);
  if (known) {
    const differing = differingSettings(known, given);
    // It may have been changed since on purpose, and by whom is not known here: nothing is put back.
    if (differing.length > 0) {
      const message =
        'a keyspace is not as the configuration says, which is only for creating it: updateKeyspace changes it';
      deps.log.warn({ tenant: named, keyspace: name, differing }, message);
    }
    return;
  }
  try {
    await store.createKeyspace(caller, name, given);
  } catch (error) {
    // Somebody else was faster: that it is there is all that is wanted.
    if (await store.keyspace(caller, name).catch(() => undefined)) return;
    throw error;
  }
}

/** Which of the given settings the keyspace does not have. */
function differingSettings(
  known: Keyspace,
  given: Partial<KeyspaceSettings>,
): readonly (keyof KeyspaceSettings)[] {
  // The store raises defaults that are weaker than the minimum, and sorts split keys: so here.
  const { replicationFactor } = known;
  const wanted = settingsWith({ ...known, ...given }, replicationFactor);
  const names = Object.keys(given) as (keyof KeyspaceSettings)[];
  return names.filter((field) => JSON.stringify(wanted[field]) !== JSON.stringify(known[field]));
}

/** Tries again while replicas are on their way; what cannot be done is logged, and left. */
async function patiently<T>(
  { deps }: AssembledStore,
  what: { tenant: string; keyspace?: string },
  giveUpMs: number,
  work: () => Promise<T>,
): Promise<T | undefined> {
  const { clock, log } = deps;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.code === 'BAD_USER_INPUT' || clock.monotonicMs() > giveUpMs) {
        log.error(
          { ...what, reason: error.message },
          'what the configuration names could not be created',
        );
        return undefined;
      }
      await clock.sleep(retryMs);
    }
  }
}

function withoutUndefined<T extends object>(
  settings: T,
): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(settings).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
