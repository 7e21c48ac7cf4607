import type * as Jose from 'jose';
import type { JwtConfig } from '../config.ts';
import { StoreError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { roles, type Role } from './principal.ts';

/** What a token that was verified says. */
export interface TokenClaims {
  readonly tenant: string;
  readonly role: Role;
  readonly keyspaces: readonly string[] | undefined;
  readonly expiresAtMs: number;
  /** `token:` and its subject, if it names one. */
  readonly credential: string;
}

/** Verifies signed tokens. */
export interface TokenVerifier {
  /**
   * What the token says, when all of it holds. Errors: UNAUTHENTICATED; OVERLOADED when the keys that
   * would tell cannot be had.
   */
  verify(token: string): Promise<TokenClaims>;
}

type Payload = Readonly<Record<string, unknown>>;

/** Whether a text has the form of a JWT. */
export function looksLikeToken(text: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text);
}

/**
 * Tokens of one issuer.
 *
 * What a token says about how it is to be verified is not listened to: algorithms and keys come from
 * the configuration or from the one URL there; its header only chooses among those. Source: RFC 8725.
 */
export function createTokenVerifier(config: JwtConfig, clock: Clock): TokenVerifier {
  const parts = load(config);
  // Told to whoever brings a token; nobody may bring one.
  parts.catch(() => undefined);
  return {
    async verify(token) {
      const { jose, keys } = await parts;
      try {
        const { payload } = await jose.jwtVerify(token, keys, {
          issuer: config.issuer,
          audience: config.audience,
          algorithms: [...config.algorithms],
          clockTolerance: config.clockToleranceSeconds,
          requiredClaims: ['exp'],
          currentDate: new Date(clock.nowMs()),
        });
        return claimsOf(payload, config);
      } catch (error) {
        throw refusal(error, jose);
      }
    },
  };
}

/** Read from disk only where tokens are configured. */
async function load(config: JwtConfig): Promise<{ jose: typeof Jose; keys: Jose.JWTVerifyGetKey }> {
  const jose = await import('jose');
  if (config.jwksUrl === undefined) {
    return { jose, keys: jose.createLocalJWKSet({ keys: [...(config.keys ?? [])] as Jose.JWK[] }) };
  }
  const keys = jose.createRemoteJWKSet(new URL(config.jwksUrl), {
    timeoutDuration: 3_000,
    // Tokens of unknown keys make no more requests than this.
    cooldownDuration: 30_000,
    cacheMaxAge: 600_000,
  });
  return { jose, keys };
}

function claimsOf(payload: Payload, config: JwtConfig): TokenClaims {
  const { tenantClaim, roleClaim, keyspacesClaim, clockToleranceSeconds } = config;
  const tenant = claim(payload, tenantClaim);
  if (typeof tenant !== 'string') throw lacks(tenantClaim);
  const named = [claim(payload, roleClaim)].flat();
  const role = roles.findLast((one) => named.includes(one));
  if (role === undefined) throw lacks(roleClaim);
  const keyspaces = keyspacesClaim === undefined ? undefined : claim(payload, keyspacesClaim);
  // A limit that is looked for and missing is no leave to do without.
  if (keyspacesClaim !== undefined && !isTexts(keyspaces)) throw lacks(keyspacesClaim);
  // Who makes keys for anybody is limited to nothing, whatever his token says.
  if (role === 'OPERATOR' && isTexts(keyspaces) && !keyspaces.includes('*'))
    throw new StoreError('UNAUTHENTICATED', 'The token limits an OPERATOR, who cannot be limited');
  const expiresAtMs = (Number(payload['exp']) + clockToleranceSeconds) * 1000;
  const subject = payload['sub'];
  const credential = typeof subject === 'string' ? `token:${subject.slice(0, 80)}` : 'token';
  const limited = isTexts(keyspaces) ? keyspaces : undefined;
  return { tenant, role, keyspaces: limited, expiresAtMs, credential };
}

/** The claim of this name; or, for `a.b`, the member `b` of the claim `a`. */
function claim(payload: Payload, name: string): unknown {
  if (Object.hasOwn(payload, name)) return payload[name];
  let value: unknown = payload;
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part))
      return undefined;
    value = (value as Payload)[part];
  }
  return value;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function lacks(name: string): StoreError {
  return new StoreError('UNAUTHENTICATED', `The token does not say "${name}" as it must`);
}

/** Why a token is refused, as far as its bearer may know. */
function refusal(error: unknown, { errors }: typeof Jose): StoreError {
  if (error instanceof StoreError) return error;
  if (error instanceof errors.JWTExpired)
    return new StoreError('UNAUTHENTICATED', 'The token has expired');
  if (error instanceof errors.JWTClaimValidationFailed)
    return new StoreError('UNAUTHENTICATED', `The token's claim "${error.claim}" does not hold`);
  if (isAboutToken(error, errors))
    return new StoreError('UNAUTHENTICATED', 'The token is not one that this service trusts');
  return new StoreError('OVERLOADED', 'The keys that tokens are signed with cannot be had now', {
    retryAfterMs: 1_000,
  });
}

/** As opposed to the keys, which could not be had. */
function isAboutToken(error: unknown, errors: typeof Jose.errors): boolean {
  const about = [
    errors.JWTInvalid,
    errors.JWSInvalid,
    errors.JWSSignatureVerificationFailed,
    errors.JOSEAlgNotAllowed,
    errors.JOSENotSupported,
    errors.JWKSNoMatchingKey,
    errors.JWKSMultipleMatchingKeys,
    errors.JWKInvalid,
  ];
  return about.some((kind) => error instanceof kind);
}
