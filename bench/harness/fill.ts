import { setTimeout as sleep } from 'node:timers/promises';
import type { Running } from './contender.ts';
import { filler, keyAt, load, secretAt } from './load.ts';

/** Where the product is reached, and what is to be there before anything is measured. */
export interface Filling {
  readonly origin: string;
  readonly keyspaces: readonly string[];
  readonly keys: number;
  /** A key belongs to the tenant that is its number modulo these. */
  readonly tenants: number;
}

const itemsMax = 200;
const atOnce = 16;
const attempts = 4;
/** Of parts: so that a large filling shows its progress, and a small one does not. */
const reportEvery = 500;

const putMany = `mutation ($s: String!, $i: [PutItem!]!) { putMany(keyspace: $s, items: $i, consistency: ALL, timeoutMs: 30000) { results { error { message code } } } }`;
const create = `mutation ($s: String!) { createKeyspace(input: { name: $s, conflicts: LAST_WRITE_WINS }) { name } }`;

/** All keys, in every keyspace; those of tenants beyond the first are created first. */
export async function fill({ origin, keyspaces, keys, tenants }: Filling): Promise<void> {
  const work: (() => Promise<void>)[] = [];
  for (let tenant = 0; tenant < tenants; tenant += 1) {
    const numbers: number[] = [];
    for (let number = tenant; number < keys; number += tenants) numbers.push(number);
    const ask = (query: string, variables: object) => send(origin, tenant, { query, variables });
    for (const s of keyspaces) {
      const parts = Array.from({ length: Math.ceil(numbers.length / itemsMax) }, (_, part) =>
        numbers.slice(part * itemsMax, (part + 1) * itemsMax),
      );
      const put = (part: readonly number[]) => ask(putMany, { s, i: part.map(itemAt) });
      if (tenants === 1) work.push(...parts.map((part) => () => put(part)));
      else
        work.push(async () => {
          if (tenant > 0) await ask(create, { s });
          for (const part of parts) await put(part);
        });
    }
  }
  let done = 0;
  const waiting = work.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const one of waiting) {
        await one();
        done += 1;
        if (done % reportEvery === 0)
          process.stderr.write(`filled ${Math.round((done / work.length) * 100)} %\n`);
      }
    }),
  );
}

function itemAt(number: number): { key: string; value: string } {
  const key = keyAt(number);
  return { key, value: key + filler(100) };
}

/** A busy machine may refuse one, or be late: an item is written again as it was, and creating is idempotent. */
export async function send(origin: string, tenant: number, asked: object): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await sendOnce(origin, tenant, asked);
      return;
    } catch (error) {
      if (attempt === attempts) throw error;
      await sleep(1_000 * attempt);
    }
  }
}

async function sendOnce(origin: string, tenant: number, asked: object): Promise<void> {
  const response = await fetch(`${origin}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${secretAt(tenant)}` },
    body: JSON.stringify(asked),
  });
  const text = await response.text();
  if (!response.ok || text.includes('"message"'))
    throw new Error(`cannot fill: ${firstMessage(text)}`);
}

/** Most items of an answer may have gone well. */
function firstMessage(text: string): string {
  const at = Math.max(0, text.indexOf('"message"'));
  return text.slice(at, at + 500);
}

/** Writes every key once with a value of this length, so that who reads then reads such values. */
export async function rewrite(
  running: Running,
  what: { valueBytes: number; keys: number; directory: string },
): Promise<void> {
  const { valueBytes, ...options } = what;
  const each = { name: 'rewrite', mix: { put: 1 }, draw: 'each', valueBytes } as const;
  // Those under way when a stretch ends are cut off, and written again.
  const connections = 64;
  for (let done = 0; done < options.keys + connections;) {
    const start = Math.max(0, done - connections);
    const fixed = { connections, seconds: 2, seed: 1, firstFresh: start };
    done = start + (await load(running, each, { ...options, ...fixed })).requests;
  }
}
