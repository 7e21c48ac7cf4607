import { z } from 'zod';

/** Names of tenants, keyspaces, replicas and zones in the configuration. */
export const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/,
    'must be 1 to 63 letters, digits, "_" or "-", the first a letter or digit',
  );

const roles = ['READER', 'WRITER', 'ADMIN', 'OPERATOR'] as const;
const pattern = z
  .string()
  .regex(/^[A-Za-z0-9_.*-]{1,63}$/, 'must be the name of a keyspace, "*" for any characters');

const apiKeySchema = z
  .strictObject({
    tenant: name,
    /** The key itself is never written down: `printf %s "$KEY" | sha256sum`. */
    secretHash: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in 64 hexadecimal digits'),
    role: z.enum(roles),
    /** Patterns of the keyspaces it is limited to. Left out: all of the tenant. */
    keyspaces: z.array(pattern).min(1).max(32).readonly().optional(),
  })
  .refine(({ role, keyspaces }) => role !== 'OPERATOR' || keyspaces === undefined, {
    path: ['keyspaces'],
    message: 'cannot limit an OPERATOR',
  })
  .readonly();

/** Asymmetric ones only: who can verify must not be able to sign. */
const algorithms = ['RS256', 'ES256', 'EdDSA'] as const;

const publicKeySchema = z
  .looseObject({ kty: z.enum(['RSA', 'EC', 'OKP'], 'must be RSA, EC or OKP') })
  .refine((key) => !('d' in key), 'must be a public key: this one can sign');

const jwtSchema = z
  .strictObject({
    issuer: z.string().min(1),
    audience: z.string().min(1),
    /** Where the public keys are. What a token says about that is not listened to. */
    jwksUrl: z.string().refine(isTrusted, 'must be an https:// URL').optional(),
    /** The public keys themselves, as JWKs. */
    keys: z.array(publicKeySchema).min(1).max(32).readonly().optional(),
    algorithms: z.array(z.enum(algorithms)).min(1).readonly().default(algorithms),
    clockToleranceSeconds: z.int().min(0).max(300).default(5),
    tenantClaim: z.string().min(1).default('tenant'),
    /** A role, or a list of which the strongest counts. */
    roleClaim: z.string().min(1).default('role'),
    /** Patterns of keyspaces. Left out: tokens are not limited; set, every token must say. */
    keyspacesClaim: z.string().min(1).optional(),
  })
  .refine(({ jwksUrl, keys }) => (jwksUrl === undefined) !== (keys === undefined), {
    path: ['jwksUrl'],
    message: 'must be given, or keys, and not both',
  })
  .readonly();

/** Who may come in: the block `auth` of the configuration. */
export const authSchema = z
  .strictObject({
    /** Who a request without credentials is. Left out, such requests are refused. */
    anonymousTenant: name.optional(),
    apiKeys: z.array(apiKeySchema).readonly().default([]),
    jwt: jwtSchema.optional(),
  })
  .readonly();

/** Keys that came over the open network could be anybody's. */
function isTrusted(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  return protocol === 'https:' || (protocol === 'http:' && isLocal);
}
