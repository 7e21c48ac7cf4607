import { createHmac, createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK, SignJWT, type JWK } from 'jose';
import { checkConfig, ConfigError } from '../../src/config.ts';
import { StoreError } from '../../src/errors.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createTokenVerifier, looksLikeToken } from '../../src/tenancy/json-web-tokens.ts';

const issuer = 'https://issuer.example';
const audience = 'quorate';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });

const publicJwk = async (key: KeyObject, kid: string): Promise<JWK> => ({
  ...(await exportJWK(key)),
  kid,
});
const keys = [
  await publicJwk(rsa.publicKey, 'rsa'),
  await publicJwk(ec.publicKey, 'ec'),
  await publicJwk(ed.publicKey, 'ed'),
];

function jwtConfig(more: object) {
  const input = {
    replicas: [{ id: 'r1', url: 'postgres://localhost/q' }],
    signingKeys: ['a signing key for tests, long enough'],
    auth: { jwt: { issuer, audience, ...more } },
  };
  return checkConfig(input, 'test').auth.jwt!;
}
const verifier = createTokenVerifier(jwtConfig({ keys }), systemClock);

interface Wish {
  readonly alg?: string;
  readonly key?: KeyObject;
  readonly header?: object;
  readonly claims?: Record<string, unknown>;
  readonly exp?: number;
}
const nowS = Math.floor(systemClock.nowMs() / 1000);

function token({ alg = 'RS256', key = rsa.privateKey, header, claims, exp }: Wish = {}) {
  const said = { iss: issuer, aud: audience, tenant: 'acme', role: 'WRITER', ...claims };
  return new SignJWT(said)
    .setProtectedHeader({ alg, kid: 'rsa', ...header })
    .setExpirationTime(exp ?? nowS + 600)
    .sign(key);
}

async function refusal(text: string | Promise<string>, by = verifier): Promise<string> {
  try {
    return JSON.stringify(await by.verify(await text));
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    expect(error.outcome).toBe('NONE');
    return error.code;
  }
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const body = part({
  iss: issuer,
  aud: audience,
  tenant: 'acme',
  role: 'OPERATOR',
  exp: nowS + 600,
});

describe('a token of the issuer', () => {
  test.each([
    ['RS256', 'rsa', rsa.privateKey],
    ['ES256', 'ec', ec.privateKey],
    ['EdDSA', 'ed', ed.privateKey],
  ])('signed with %s says who it is', async (alg, kid, key) => {
    const claims = { role: ['READER', 'ADMIN', 'somebody'] };
    const text = await token({ alg, key, header: { kid }, claims });
    expect(looksLikeToken(text)).toBe(true);
    expect(await verifier.verify(text)).toEqual({
      tenant: 'acme',
      role: 'ADMIN',
      keyspaces: undefined,
      credential: 'token',
      expiresAtMs: (nowS + 605) * 1000,
    });
  });

  test('may be of a clock that is a little behind, and no more', async () => {
    expect(await refusal(token({ exp: nowS - 2 }))).toContain('acme');
    expect(await refusal(token({ exp: nowS - 60 }))).toBe('UNAUTHENTICATED');
  });

  test('is asked for the claims that the configuration names, nested ones too', async () => {
    const named = createTokenVerifier(
      jwtConfig({
        keys,
        tenantClaim: 'https://q/t',
        roleClaim: 'realm.role',
        keyspacesClaim: 'ks',
      }),
      systemClock,
    );
    const claims = { 'https://q/t': 'other', realm: { role: 'READER' }, ks: ['a*'] };
    expect(await refusal(token({ claims }), named)).toContain('"other"');
    expect(await refusal(token({ claims: { ...claims, ks: undefined } }), named)).toBe(
      'UNAUTHENTICATED',
    );
  });

  test('cannot limit an OPERATOR to keyspaces: he makes keys that are not limited', async () => {
    const limiting = createTokenVerifier(jwtConfig({ keys, keyspacesClaim: 'ks' }), systemClock);
    const told = (claims: Record<string, unknown>) => refusal(token({ claims }), limiting);
    expect(await told({ role: 'OPERATOR', ks: ['carts'] })).toBe('UNAUTHENTICATED');
    expect(await told({ role: ['READER', 'OPERATOR'], ks: [] })).toBe('UNAUTHENTICATED');
    expect(await told({ role: 'OPERATOR', ks: ['*'] })).toContain('"OPERATOR"');
    expect(await told({ role: 'ADMIN', ks: ['carts'] })).toContain('"ADMIN"');
  });

  test('that does not say tenant, role, issuer, audience or end is refused', async () => {
    const lacking = [{ tenant: undefined }, { tenant: 7 }, { role: 'ROOT' }, { role: undefined }];
    const wrong = [{ iss: 'https://other.example' }, { aud: 'other' }, { aud: undefined }];
    for (const claims of [...lacking, ...wrong])
      expect([claims, await refusal(token({ claims }))]).toEqual([claims, 'UNAUTHENTICATED']);
    const endless = await new SignJWT({ iss: issuer, aud: audience, tenant: 'a', role: 'READER' })
      .setProtectedHeader({ alg: 'RS256', kid: 'rsa' })
      .sign(rsa.privateKey);
    expect(await refusal(endless)).toBe('UNAUTHENTICATED');
  });
});

describe('an attack', () => {
  const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string;
  const signedBy = (secret: string | Buffer, header: object): string => {
    const text = `${part(header)}.${body}`;
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  };
  const rsaSigned = (header: object): string => {
    const text = `${part(header)}.${body}`;
    const signature = createSign('sha256').update(text).sign(stranger.privateKey, 'base64url');
    return `${text}.${signature}`;
  };
  const strangerJwk = stranger.publicKey.export({ format: 'jwk' });
  const kids = ['../../dev/null', "' or 1=1 --", '__proto__', 'constructor', '', 'x'.repeat(5_000)];
  const attacks: [string, string][] = [
    ['no algorithm', `${part({ alg: 'none' })}.${body}.`],
    ['no algorithm, by another case', `${part({ alg: 'nOnE', kid: 'rsa' })}.${body}.`],
    ['no signature', `${part({ alg: 'RS256', kid: 'rsa' })}.${body}.`],
    ['HS256 with the public key as its secret', signedBy(pem, { alg: 'HS256', kid: 'rsa' })],
    ['HS256 with the modulus', signedBy(Buffer.from(String(keys[0]?.n)), { alg: 'HS256' })],
    ['RS256 in name, HMAC in truth', signedBy(pem, { alg: 'RS256', kid: 'rsa' })],
    ['a key of its own in the header', rsaSigned({ alg: 'RS256', jwk: strangerJwk })],
    ['a key of its own under our name', rsaSigned({ alg: 'RS256', kid: 'rsa', jwk: strangerJwk })],
    ['an algorithm that is not taken', rsaSigned({ alg: 'RS512', kid: 'rsa' })],
    ['another kind of key than its name has', rsaSigned({ alg: 'ES256', kid: 'rsa' })],
    ['a critical header that nobody knows', rsaSigned({ alg: 'RS256', kid: 'rsa', crit: ['b64'] })],
    ['no JSON', 'AAAA.BBBB.CCCC'],
    ...kids.map((kid): [string, string] => [
      `the key id ${JSON.stringify(kid.slice(0, 20))}`,
      rsaSigned({ alg: 'RS256', kid }),
    ]),
  ];

  test.each(attacks)('with %s is refused', async (_name, text) => {
    expect(await refusal(text)).toBe('UNAUTHENTICATED');
  });

  test('with other claims under a good signature is refused', async () => {
    const [header, , signature] = (await token()).split('.');
    expect(await refusal(`${header!}.${body}.${signature!}`)).toBe('UNAUTHENTICATED');
  });
});

describe('keys at a URL', () => {
  let server: Server;
  let url: string;
  const asked: string[] = [];
  let answer: () => { status: number; body: string };
  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      const { status, body: text } = answer();
      response.writeHead(status, { 'content-type': 'application/json' }).end(text);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => void server.close());

  test('are fetched once; a token cannot have others fetched, by jku, x5u or many unknown ids', async () => {
    answer = () => ({ status: 200, body: JSON.stringify({ keys }) });
    const remote = createTokenVerifier(jwtConfig({ jwksUrl: `${url}/jwks` }), systemClock);
    expect(await refusal(token(), remote)).toContain('acme');
    const evil = { jku: `${url}/evil`, x5u: `${url}/evil` };
    for (let nth = 0; nth < 20; nth++) {
      const header = { kid: `unknown-${nth}`, ...evil };
      expect(await refusal(token({ key: stranger.privateKey, header }), remote)).toBe(
        'UNAUTHENTICATED',
      );
    }
    expect(asked).toEqual(['/jwks']);
  });

  test('that cannot be had are no fault of the token', async () => {
    answer = () => ({ status: 500, body: 'no' });
    const remote = createTokenVerifier(jwtConfig({ jwksUrl: `${url}/jwks` }), systemClock);
    expect(await refusal(token(), remote)).toBe('OVERLOADED');
    const nowhere = createTokenVerifier(
      jwtConfig({ jwksUrl: 'http://127.0.0.1:1/jwks' }),
      systemClock,
    );
    expect(await refusal(token(), nowhere)).toBe('OVERLOADED');
  });
});

test('a configuration that would trust too much is refused', () => {
  const oct = { kty: 'oct', k: 'c2VjcmV0' };
  const wrong: object[] = [
    {},
    { keys, jwksUrl: 'https://issuer.example/jwks' },
    { jwksUrl: 'http://issuer.example/jwks' },
    { jwksUrl: 'file:///etc/passwd' },
    { keys: [oct] },
    { keys: [rsa.privateKey.export({ format: 'jwk' })] },
    { keys, algorithms: ['HS256'] },
    { keys, algorithms: ['none'] },
    { keys, algorithms: [] },
    { keys, issuer: '' },
  ];
  for (const more of wrong) expect(() => jwtConfig(more)).toThrow(ConfigError);
});
