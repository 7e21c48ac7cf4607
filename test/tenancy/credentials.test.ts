import { describe, expect, test } from '@jest/globals';
import { StoreError } from '../../src/errors.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { TenantAdministration } from '../../src/tenancy/administration.ts';
import { createAuthenticator, type Authenticator } from '../../src/tenancy/authenticate.ts';
import { mayUse } from '../../src/tenancy/keyspace-patterns.ts';
import { filedAs, tenantNameOf } from '../../src/tenancy/principal.ts';
import type { ApiKeyRecord, TenantRecord } from '../../src/tenancy/tenant-record.ts';
import { HandClock } from '../coordinator/hand-clock.ts';
import { MemoryRecords } from '../support/memory-records.ts';

/** Tenants, keys and whoever asks, over records in memory and a clock that the test moves. */
function house() {
  const clock = new HandClock();
  const tenantRecords = new MemoryRecords<TenantRecord>();
  const apiKeyRecords = new MemoryRecords<ApiKeyRecord>();
  const dropped: string[] = [];
  const keyspaces = new Map([['acme', ['carts', 'profiles']]]);
  const store = {
    keyspaces: ({ tenant }: { tenant: string }) =>
      Promise.resolve((keyspaces.get(tenant) ?? []).map((name) => ({ name }) as never)),
    dropKeyspace: ({ tenant }: { tenant: string }, name: string) => {
      dropped.push(`${tenant}/${name}`);
      keyspaces.set(
        tenant,
        (keyspaces.get(tenant) ?? []).filter((one) => one !== name),
      );
      return Promise.resolve(true);
    },
  };
  const parts = {
    tenantRecords,
    apiKeyRecords,
    store,
    clock,
    random: systemRandom,
    log: silentLog,
  };
  const tenants = new TenantAdministration(parts);
  const authenticator = agreeing(createAuthenticator({ clock, apiKeys: [], directory: tenants }));
  return { clock, tenants, authenticator, tenantRecords, apiKeyRecords, dropped };
}

/**
 * Fails when what is told from memory is not what is told by asking: whoever is `known` is let in as
 * the same, and whoever `stands` is not refused. Guards: the conditions of `filedNow` and `holderNow`.
 */
function agreeing(inner: Authenticator): Authenticator {
  return {
    ...inner,
    async authenticate(authorization) {
      const known = inner.known(authorization);
      const principal = await inner.authenticate(authorization).catch((error: unknown) => {
        expect(known).toBeUndefined();
        throw error;
      });
      if (known) expect(known).toEqual(principal);
      return principal;
    },
    async recheck(principal) {
      const stands = inner.stands(principal);
      await inner.recheck(principal).catch((error: unknown) => {
        expect(stands).toBe(false);
        throw error;
      });
      expect(stands).toBe(true); // everything is in memory here
    },
  };
}

const asks = (authenticator: Authenticator, secret: string) =>
  authenticator.authenticate(`Bearer ${secret}`);

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'none';
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    expect(error.outcome).toBe('NONE');
    return error.code;
  }
}

describe('an API key', () => {
  test('that was right before is known at once, until anything about it is not', async () => {
    const { tenants, authenticator } = house();
    await tenants.create('acme', {});
    const { secret, apiKey } = await tenants.createKey({ tenant: 'acme', role: 'READER' });
    const known = () => authenticator.known(`Bearer ${secret}`);
    expect(known()).toBeUndefined(); // nobody has asked, so nothing is remembered
    const principal = await asks(authenticator, secret);
    expect(known()).toEqual(principal);
    expect(authenticator.known(`Bearer ${secret.slice(0, -1)}`)).toBeUndefined();
    await tenants.apiKeys.revoke(apiKey.prefix);
    expect(known()).toBeUndefined();
    expect(authenticator.stands(principal)).toBe(false);
  });

  test('is nowhere but with its holder, and says who he is', async () => {
    const { tenants, authenticator, apiKeyRecords, tenantRecords } = house();
    await tenants.create('acme', {});
    const { secret, apiKey } = await tenants.createKey({
      tenant: 'acme',
      role: 'ADMIN',
      keyspaces: ['shop-*'],
    });
    expect(secret).toMatch(new RegExp(`^${apiKey.prefix}_[0-9a-f]{64}$`));
    const kept = JSON.stringify([[...apiKeyRecords.held], [...tenantRecords.held]]);
    expect(kept).not.toContain(secret.slice(apiKey.prefix.length + 1));
    expect(await asks(authenticator, secret)).toMatchObject({
      tenant: 'acme',
      role: 'ADMIN',
      keyspaces: ['shop-*'],
      apiKey: apiKey.prefix,
    });
    const listed = await tenants.keysOf(await tenants.tenants.require('acme'));
    expect(listed.map(({ prefix }) => prefix)).toEqual([apiKey.prefix]);
  });

  test('of which any one character is another is refused', async () => {
    const { tenants, authenticator } = house();
    await tenants.create('acme', {});
    const { secret } = await tenants.createKey({ tenant: 'acme', role: 'READER' });
    for (let at = 0; at < secret.length; at += 7) {
      const other = secret[at] === '0' ? '1' : '0';
      const changed = secret.slice(0, at) + other + secret.slice(at + 1);
      expect(await refusal(asks(authenticator, changed))).toBe('UNAUTHENTICATED');
    }
    for (const text of [secret.slice(0, -1), `${secret}0`, secret.toUpperCase(), `${secret} x`])
      expect(await refusal(asks(authenticator, text))).toBe('UNAUTHENTICATED');
  });

  test('ends when it is revoked, when its time has come, and with its tenant', async () => {
    const { clock, tenants, authenticator } = house();
    await tenants.create('acme', {});
    const make = (expiresAtMs?: number) =>
      tenants.createKey({ tenant: 'acme', role: 'READER', expiresAtMs });
    const [revoked, expiring, left] = [
      await make(),
      await make(clock.nowMs() + 5_000),
      await make(),
    ];
    const guests = await Promise.all(
      [revoked, expiring, left].map(({ secret }) => asks(authenticator, secret)),
    );
    const ended = () =>
      Promise.all(guests.map((principal) => refusal(authenticator.recheck(principal))));
    expect(await ended()).toEqual(['none', 'none', 'none']);
    expect(await tenants.revokeKey(revoked.apiKey.prefix)).toBe(true);
    expect(await ended()).toEqual(['UNAUTHENTICATED', 'none', 'none']);
    await clock.advance(5_000);
    expect(await ended()).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED', 'none']);
    await tenants.drop('acme');
    expect(await ended()).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED', 'UNAUTHENTICATED']);
    for (const { secret } of [revoked, expiring, left])
      expect(await refusal(asks(authenticator, secret))).toBe('UNAUTHENTICATED');
    expect(await tenants.revokeKey('qk_000000000000')).toBe(false);
  });

  test('that is unknown is looked up so often and no more; those that are known go on', async () => {
    const { clock, tenants, authenticator, apiKeyRecords } = house();
    await tenants.create('acme', {});
    const { secret } = await tenants.createKey({ tenant: 'acme', role: 'READER' });
    const invented = () => `qk_${systemRandom.hex(6)}_${systemRandom.hex(32)}`;
    const codes = await Promise.all(
      Array.from({ length: 2_000 }, () => refusal(asks(authenticator, invented()))),
    );
    expect(apiKeyRecords.strangers).toBe(400);
    expect(codes.filter((code) => code === 'OVERLOADED')).toHaveLength(1_600);
    expect((await asks(authenticator, secret)).tenant).toBe('acme');
    await clock.advance(1_000);
    expect(await refusal(asks(authenticator, invented()))).toBe('UNAUTHENTICATED');
  });

  // Without the line that gives a look-up back, the 401st is refused.
  test('that is there is looked up however many there are: a gateway that starts knows nobody', async () => {
    const { tenants, authenticator, apiKeyRecords } = house();
    await tenants.create('acme', {});
    const { secret } = await tenants.createKey({ tenant: 'acme', role: 'READER' });
    apiKeyRecords.isKnown = () => false;
    for (let nth = 0; nth < 1_000; nth++)
      expect(await refusal(asks(authenticator, secret))).toBe('none');
  });

  test('that nobody can look up now is not called wrong', async () => {
    const { tenants, authenticator, apiKeyRecords } = house();
    await tenants.create('acme', {});
    const { secret } = await tenants.createKey({ tenant: 'acme', role: 'READER' });
    apiKeyRecords.failure = new StoreError('READ_TIMEOUT', 'replica-1 at 10.0.0.1 is silent');
    const told = await asks(authenticator, secret).catch((error: unknown) => error as StoreError);
    expect(told).toMatchObject({ code: 'QUORUM_UNAVAILABLE', outcome: 'NONE' });
    expect((told as StoreError).message).not.toContain('10.0.0.1');
  });

  test('with a wish that cannot be granted is not made', async () => {
    const { clock, tenants } = house();
    await tenants.create('acme', {});
    const wishes = [
      { tenant: 'nobody', role: 'READER' as const },
      { tenant: '$system', role: 'READER' as const },
      { tenant: 'acme', role: 'READER' as const, keyspaces: [] },
      { tenant: 'acme', role: 'READER' as const, keyspaces: ['a/b'] },
      { tenant: 'acme', role: 'OPERATOR' as const, keyspaces: ['*'] },
      { tenant: 'acme', role: 'READER' as const, expiresAtMs: clock.nowMs() },
    ];
    for (const wish of wishes)
      expect(await refusal(tenants.createKey(wish))).toBe('BAD_USER_INPUT');
    expect((await tenants.tenants.require('acme')).record.apiKeys).toEqual([]);
  });
});

describe('a tenant', () => {
  test('that is dropped leaves nothing to the next one of its name', async () => {
    const { clock, tenants, authenticator, apiKeyRecords, dropped } = house();
    expect((await tenants.create('acme', { keys: 5 })).filed).toBe('acme');
    const { secret } = await tenants.createKey({ tenant: 'acme', role: 'ADMIN' });
    expect(await tenants.drop('acme')).toBe(true);
    expect(dropped).toEqual(['acme/carts', 'acme/profiles']);
    expect(apiKeyRecords.held.size).toBe(0);
    expect([await tenants.drop('acme'), await tenants.drop('nobody')]).toEqual([false, false]);
    expect(await tenants.list()).toEqual([]);
    const again = await tenants.create('acme', {});
    expect([again.filed, again.record.quota, again.record.apiKeys]).toEqual(['acme@2', {}, []]);
    expect(await refusal(asks(authenticator, secret))).toBe('UNAUTHENTICATED');
    // What was begun before is looked for once more, and then forgotten.
    await clock.advance(61_000);
    await tenants.sweep();
    expect((await tenants.tenants.require('acme')).record.left).toEqual([]);
  });

  test('of the configuration is entered once, and not again after it was dropped', async () => {
    const { clock, tenants } = house();
    const apiKeys = [{ tenant: 'acme', role: 'ADMIN' as const, secretHash: '00'.repeat(32) }];
    const authenticator = createAuthenticator({
      clock,
      apiKeys,
      anonymousTenant: 'acme',
      directory: tenants,
    });
    const before = await authenticator.authenticate(undefined);
    expect(before.tenant).toBe('acme');
    expect((await tenants.tenants.ensure('acme'))?.record.generation).toBe(1);
    await tenants.drop('acme');
    expect((await tenants.tenants.ensure('acme'))?.record.isDropped).toBe(true);
    expect(await refusal(authenticator.authenticate(undefined))).toBe('UNAUTHENTICATED');
    await tenants.create('acme', {});
    expect((await authenticator.authenticate(undefined)).tenant).toBe('acme@2');
    // Whoever came before is not of the new one.
    expect(await refusal(authenticator.recheck(before))).toBe('UNAUTHENTICATED');
  });

  test('has the quota that it was given, and refuses one that is none', async () => {
    const { tenants } = house();
    await tenants.create('acme', { keys: 5, requestsPerSecond: null });
    expect((await tenants.update('acme', undefined)).record.quota).toEqual({ keys: 5 });
    expect((await tenants.update('acme', { sockets: 0 })).record.quota).toEqual({ sockets: 0 });
    for (const quota of [{ requestsPerSecond: 0 }, { keys: -1 }, { storedBytes: NaN }])
      expect(await refusal(tenants.update('acme', quota))).toBe('BAD_USER_INPUT');
    for (const name of ['', 'a@2', 'a/b', '$system', 'ä', 'x'.repeat(64)])
      expect(await refusal(tenants.create(name, {}))).toBe('BAD_USER_INPUT');
    expect(await refusal(tenants.create('acme', {}))).toBe('BAD_USER_INPUT');
  });

  test('is known by the name under which it was created', () => {
    expect([filedAs('acme', 1), filedAs('acme', 7)]).toEqual(['acme', 'acme@7']);
    expect([tenantNameOf('acme'), tenantNameOf('acme@7')]).toEqual(['acme', 'acme']);
  });
});

test.each([
  ['carts', ['carts'], true],
  ['carts2', ['carts'], false],
  ['shop-eu', ['shop-*'], true],
  ['shop', ['shop-*'], false],
  ['a-x-b-y-c', ['a*b*c'], true],
  ['ac', ['a*b*c'], false],
  ['ab', ['ab*ab'], false],
  ['anything', ['*'], true],
  ['a.b', ['a?b'], false],
  ['b', ['a', 'b'], true],
])('keyspace %s under the patterns %j: %s', (name, keyspaces, allowed) => {
  expect(mayUse({ tenant: 't', role: 'READER', keyspaces }, name)).toBe(allowed);
});
