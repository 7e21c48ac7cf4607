import { badInput } from '../errors.ts';

/**
 * What an `id` names. It holds no tenant: the same id means another thing to another tenant, and
 * leads nowhere else.
 */
export type NodeName =
  | { readonly type: 'Entry'; readonly keyspace: string; readonly key: string }
  | { readonly type: 'Keyspace'; readonly name: string }
  | { readonly type: 'Tenant'; readonly name: string };

/**
 * The id of an entry: base64url of `entry/<keyspace>/<key>`. Names of keyspaces hold no slash, keys
 * may.
 */
export function entryId(keyspace: string, key: string): string {
  return encode(`entry/${keyspace}/${key}`);
}

/** The id of a keyspace. */
export function keyspaceId(name: string): string {
  return encode(`keyspace/${name}`);
}

/** The id of a tenant. */
export function tenantId(name: string): string {
  return encode(`tenant/${name}`);
}

/** What an id names, or `BAD_USER_INPUT`. Law: the inverse of the three above. */
export function parseId(id: string): NodeName {
  const bytes = Buffer.from(id, 'base64url');
  const text = bytes.toString();
  const [, type, name, key] = /^(entry|keyspace|tenant)\/([^/]+)(?:\/([^]+))?$/.exec(text) ?? [];
  // The round trip refuses what decodes to the same text but was never given out.
  if (name === undefined || encode(text) !== id) throw malformed(id);
  if (type === 'entry' && key !== undefined) return { type: 'Entry', keyspace: name, key };
  if (type === 'keyspace' && key === undefined) return { type: 'Keyspace', name };
  if (type === 'tenant' && key === undefined) return { type: 'Tenant', name };
  throw malformed(id);
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url');
}

function malformed(id: string): Error {
  return badInput('Argument "id" must be an id that was received earlier', 'id', {
    value: id.slice(0, 100),
  });
}
