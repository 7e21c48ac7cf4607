import { type GivenOptions, UsageError, numberOf, textOf } from './command-line.ts';
import { askGateway } from './graphql-client.ts';
import type { Surroundings } from './surroundings.ts';
import { table } from './table.ts';

interface KeyAnswer {
  readonly prefix: string;
  readonly role: string;
  readonly keyspaces: readonly string[] | null;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
}
interface TenantAnswer {
  readonly name: string;
  readonly createdAt: string;
  readonly quota: Readonly<Record<string, unknown>>;
  readonly apiKeys: readonly KeyAnswer[];
}

/** What may be done: the operation, its variables, and how its answer is told to a person. */
interface Act<T> {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly tell: (data: T) => string;
  /** Whether the answer says that nothing was there to be done. */
  readonly isInVain?: (data: T) => boolean;
}

const quota =
  'quota { requestsPerSecond costPerSecond storedBytes keys keyspaces valueBytes concurrentRequests sockets subscriptions allowedLevels }';
const apiKey = 'prefix role keyspaces createdAt expiresAt revokedAt';
const tenant = `name createdAt ${quota} apiKeys { ${apiKey} }`;

/** `quorate tenant …`: what operators do, through GraphQL, at a gateway that runs. */
export async function tenantCommand(
  given: GivenOptions,
  { env, clock, print }: Surroundings,
  words: readonly string[],
): Promise<number> {
  const act = actOf(words, given);
  const data = await askGateway<never>(
    {
      url: urlOf(textOf(given, 'url', env['QUORATE_URL']) ?? 'http://127.0.0.1:4000'),
      apiKey: textOf(given, 'api-key', env['QUORATE_API_KEY']),
      timeoutMs: numberOf(given, 'timeout-ms', { min: 1, max: 600_000 }) ?? 30_000,
      clock,
    },
    act.query,
    act.variables,
  );
  print(given['json'] === true ? `${JSON.stringify(data, undefined, 2)}\n` : act.tell(data));
  return act.isInVain?.(data) === true ? 1 : 0;
}

function actOf(words: readonly string[], given: GivenOptions): Act<never> {
  const isAboutKeys = words[0] === 'key';
  const [verb, name, ...rest] = isAboutKeys ? words.slice(1) : words;
  const acts: Readonly<Record<string, (name: string, given: GivenOptions) => Act<never>>> =
    isAboutKeys ? keyActs : tenantActs;
  const act = verb !== undefined && Object.hasOwn(acts, verb) ? acts[verb] : undefined;
  if (!act || rest.length > 0)
    throw new UsageError(`"tenant ${words.join(' ')}" is nothing that can be done.`);
  const needsName = isAboutKeys || verb !== 'list';
  if (needsName !== (name !== undefined))
    throw new UsageError(`"tenant ${words.join(' ')}" needs ${needsName ? 'a' : 'no'} name.`);
  return act(name ?? '', given);
}

const tenantActs = {
  list: (): Act<{ tenants: readonly TenantAnswer[] }> => ({
    query: `{ tenants { ${tenant} } }`,
    variables: {},
    tell: ({ tenants }) => table(['TENANT', 'CREATED', 'KEYS', 'QUOTA'], tenants.map(tenantRow)),
  }),
  create: (name: string, given: GivenOptions): Act<{ createTenant: TenantAnswer }> => ({
    query: `mutation ($name: String!, $quota: QuotaInput) { createTenant(input: { name: $name, quota: $quota }) { ${tenant} } }`,
    variables: { name, quota: quotaOf(given) },
    tell: () => `Tenant ${name} is there. "quorate tenant key create ${name}" gives it a key.\n`,
  }),
  update: (name: string, given: GivenOptions): Act<{ updateTenant: TenantAnswer }> => ({
    query: `mutation ($name: String!, $quota: QuotaInput) { updateTenant(name: $name, input: { quota: $quota }) { ${tenant} } }`,
    variables: { name, quota: quotaOf(given) },
    tell: ({ updateTenant }) => `Tenant ${name}: ${quotaText(updateTenant.quota)}\n`,
  }),
  drop: (name: string): Act<{ dropTenant: boolean }> => ({
    query: 'mutation ($name: String!) { dropTenant(name: $name) }',
    variables: { name },
    tell: ({ dropTenant }) =>
      dropTenant
        ? `Tenant ${name} is dropped; its rows are being removed.\n`
        : `There is no tenant ${name}.\n`,
    isInVain: ({ dropTenant }) => !dropTenant,
  }),
};

const keyActs = {
  list: (name: string): Act<{ tenants: readonly TenantAnswer[] }> => {
    const of = (tenants: readonly TenantAnswer[]) => tenants.find((one) => one.name === name);
    return {
      query: `{ tenants { ${tenant} } }`,
      variables: {},
      tell: ({ tenants }) => {
        const found = of(tenants);
        if (!found) return `There is no tenant ${name}.\n`;
        const head = ['PREFIX', 'ROLE', 'KEYSPACES', 'CREATED', 'ENDS'];
        return table(head, found.apiKeys.map(keyRow));
      },
      isInVain: ({ tenants }) => !of(tenants),
    };
  },
  create: (
    name: string,
    given: GivenOptions,
  ): Act<{ createApiKey: { secret: string; apiKey: KeyAnswer } }> => {
    const role = textOf(given, 'role');
    if (role === undefined) throw new UsageError('--role says what the key may do.');
    return {
      query: `mutation ($tenant: String!, $role: Role!, $keyspaces: [String!], $expiresAt: DateTime) {
        createApiKey(tenant: $tenant, role: $role, keyspaces: $keyspaces, expiresAt: $expiresAt) { secret apiKey { ${apiKey} } } }`,
      variables: {
        tenant: name,
        role: role.toUpperCase(),
        keyspaces: textOf(given, 'keyspaces')?.split(','),
        expiresAt: timeOf(textOf(given, 'expires')),
      },
      tell: ({ createApiKey }) =>
        `A key for ${name}, role ${createApiKey.apiKey.role}. It is shown this once:\n\n${createApiKey.secret}\n`,
    };
  },
  revoke: (prefix: string): Act<{ revokeApiKey: boolean }> => ({
    query: 'mutation ($prefix: String!) { revokeApiKey(prefix: $prefix) }',
    variables: { prefix },
    tell: ({ revokeApiKey }) =>
      revokeApiKey
        ? `Key ${prefix} is revoked: no gateway takes it after 5 s.\n`
        : `There is no key ${prefix}.\n`,
    isInVain: ({ revokeApiKey }) => !revokeApiKey,
  }),
};

function tenantRow({ name, createdAt, apiKeys, quota: given }: TenantAnswer): readonly string[] {
  const live = apiKeys.filter(({ revokedAt }) => revokedAt === null);
  return [name, createdAt, String(live.length), quotaText(given)];
}

function keyRow({ prefix, role, keyspaces, ...times }: KeyAnswer): readonly string[] {
  const { createdAt, expiresAt, revokedAt } = times;
  const ends = revokedAt === null ? (expiresAt ?? 'never') : `revoked ${revokedAt}`;
  return [prefix, role, keyspaces?.join(',') ?? 'all', createdAt, ends];
}

function quotaText({
  allowedLevels: _levels,
  ...limits
}: Readonly<Record<string, unknown>>): string {
  const named = Object.entries(limits).filter(([, value]) => value !== null);
  return named.length === 0
    ? 'no limits'
    : named.map(([limit, value]) => `${limit}=${String(value)}`).join(' ');
}

function quotaOf(given: GivenOptions): unknown {
  const text = textOf(given, 'quota');
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError('--quota must be JSON, such as {"keys":1000}.');
  }
}

function timeOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const timeMs = Date.parse(text);
  if (Number.isNaN(timeMs)) throw new UsageError('--expires must be a time, such as 2027-01-31.');
  return new Date(timeMs).toISOString();
}

function urlOf(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new UsageError('--url must be an http:// or https:// URL.');
}
