import { StoreError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { repeat } from '../runtime/loop.ts';
import type { Authenticator } from '../tenancy/authenticate.ts';
import type { Principal } from '../tenancy/principal.ts';

/** Sees to it that nobody stays longer than his credential. */
export interface CredentialWatch {
  /** Calls `end` once, when the credential does not hold any more. The answer takes it off watch. */
  add(principal: Principal, end: (error: StoreError) => void): () => void;
  stop(): void;
}

interface Parts {
  readonly authenticator: Authenticator;
  readonly clock: Clock;
  readonly log: Log;
}

interface Guest {
  readonly principal: Principal;
  readonly end: (error: StoreError) => void;
}

/** With the age of what gateways remember (2 s), an end shows within 5 s. */
const everyMs = 1_000;

/** Looks once a second at everyone who stays: sockets, and streams of events over HTTP. */
export function createCredentialWatch({ authenticator, clock, log }: Parts): CredentialWatch {
  const guests = new Map<string, Set<Guest>>();

  async function look(group: ReadonlySet<Guest>, principal: Principal): Promise<void> {
    try {
      await authenticator.recheck(principal);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      for (const guest of [...group]) {
        remove(guest);
        guest.end(error);
      }
    }
  }

  function remove(guest: Guest): void {
    const name = credentialOf(guest.principal);
    const group = guests.get(name);
    group?.delete(guest);
    if (group?.size === 0) guests.delete(name);
  }

  const loop = repeat({ clock, log, name: 'credentials', everyMs }, async () => {
    await Promise.all(
      [...guests.values()].map(async (group) => {
        const [first] = group;
        if (first) await look(group, first.principal);
      }),
    );
  });
  return {
    add(principal, end) {
      const guest: Guest = { principal, end };
      const name = credentialOf(principal);
      const group = guests.get(name) ?? new Set();
      guests.set(name, group.add(guest));
      return () => remove(guest);
    },
    stop: () => loop.stop(),
  };
}

/** Those of one name end together, so that one look serves them all. */
function credentialOf({ tenant, apiKey, expiresAtMs }: Principal): string {
  return JSON.stringify([tenant, apiKey, expiresAtMs]);
}
