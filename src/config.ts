import { z } from 'zod';
import { authSchema, name } from './config-auth.ts';
import { documentsSchema } from './config-documents.ts';
import { keyspaceProblems, keyspaceSchema } from './config-keyspaces.ts';
import { limitsSchema } from './config-limits.ts';
import { tracingSchema, withTraces } from './config-tracing.ts';
import { repairSchema } from './config-repair.ts';
import { type Environment, isRecord, parseYaml, substitute } from './config-text.ts';

export type { Environment };

/**
 * What an operator may set, in one file (`quorate serve --config quorate.yaml`).
 *
 * Parsed once, at the edge: whoever holds a `Config` holds values in range, and never asks again.
 * Names carry their unit. An unknown setting is an error: a misspelt limit that is ignored is no
 * limit.
 */
export type Config = z.output<typeof configSchema>;
/** A configuration before the defaults are filled in. */
export type ConfigInput = z.input<typeof configSchema>;
export type ReplicaConfig = Config['replicas'][number];
export type ApiKeyConfig = Config['auth']['apiKeys'][number];
export type JwtConfig = NonNullable<Config['auth']['jwt']>;
export type KeyspaceConfig = Config['keyspaces'][number];
export type Role = ApiKeyConfig['role'];

/**
 * All that is wrong with a configuration, a line each: `quorate.yaml: replicas[1].url: …`. No
 * secrets.
 */
export class ConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
  }
}

const signingKeyCharsMin = 32;

const count = (max: number) => z.int().min(1).max(max);
const port = z.int().min(0).max(65_535);

const replicaSchema = z
  .strictObject({
    /** What receipts, metrics and logs call it. */
    id: name,
    url: z.string().refine(isPostgresUrl, 'must be a postgres:// URL'),
    /** Replicas of one zone fail together: preference lists take distinct zones first. */
    zone: name.optional(),
  })
  .readonly();

const configSchema = z
  .strictObject({
    replicas: z.array(replicaSchema).min(1).max(64).readonly(),
    /** For keyspaces that do not say; when it is left out, 3 or as many as there are replicas. */
    replicationFactor: count(64).optional(),
    /** Fixed for the life of the data: it decides which replicas hold a key. */
    partitions: count(65_536).default(256),
    /** The first signs contexts, cursors and tokens; all verify, so that keys can be rotated. */
    signingKeys: z
      .array(
        z.string().min(signingKeyCharsMin, `must be at least ${signingKeyCharsMin} characters`),
      )
      .min(1, 'must hold at least one key (or set QUORATE_SIGNING_KEYS)')
      .readonly(),
    listen: z
      .strictObject({
        port: port.default(4000),
        host: z.string().min(1).default('0.0.0.0'),
        /** Something in front speaks TLS, and nobody comes without: browsers are told so (HSTS). */
        httpsOnly: z.boolean().default(false),
      })
      .readonly()
      .prefault({}),
    timeouts: z
      .strictObject({
        requestMs: count(600_000).default(2_000),
        connectMs: count(600_000).default(1_000),
        /** How long a write waits for the replica that mints its dot before it asks another. */
        mintMs: count(600_000).default(500),
      })
      .readonly()
      .prefault({}),
    /** Connections of one gateway to one replica. */
    pool: z
      .strictObject({
        readConnections: count(1_000).default(4),
        writeConnections: count(1_000).default(4),
      })
      .readonly()
      .prefault({}),
    /** How a gateway ends when it is told to. */
    shutdown: z
      .strictObject({
        /** Not ready, and still taking sockets: time for load balancers to notice. */
        notReadyMs: z.int().min(0).max(600_000).default(0),
        /** What is not finished then is cut. */
        withinMs: count(3_600_000).default(15_000),
      })
      .readonly()
      .prefault({}),
    /** What keeps replicas alike in the background. */
    repair: repairSchema.prefault({}),
    /** How long the change log is kept: a subscriber that was away longer is told of a gap. */
    changeLogHours: z.number().positive().max(8_760).default(24),
    /** How long the audit log is kept. */
    auditDays: z.number().positive().max(3_650).default(30),
    logLevel: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
      .default('info'),
    auth: authSchema.prefault({}),
    /** False: requests go the long way, and documents are not compiled. For who looks for a difference. */
    fastLane: z.boolean().default(true),
    cors: z
      .strictObject({ origins: z.array(z.string().min(1)).readonly().default([]) })
      .readonly()
      .prefault({}),
    tracing: tracingSchema.prefault({}),
    documents: documentsSchema.prefault({}),
    limits: limitsSchema.prefault({}),
    /** Created at the start when they are not there; never changed afterwards. */
    keyspaces: z.array(keyspaceSchema).readonly().default([]),
  })
  .superRefine(checkAcrossSettings)
  .transform((config) => ({
    ...config,
    replicationFactor: config.replicationFactor ?? Math.min(3, config.replicas.length),
  }))
  .readonly();

/**
 * The configuration that `text` describes (YAML, of which JSON is a part), or a `ConfigError` that
 * lists everything wrong with it.
 *
 * `${NAME}` in a string is the environment variable NAME, so that secrets stay out of the file;
 * `$${` is a plain `${`.
 * PORT, HOST and QUORATE_SIGNING_KEYS (comma separated) of the environment go before the file.
 */
export function parseConfig(text: string, fileName: string, env: Environment): Config {
  const { value, problems: malformed } = parseYaml(text);
  if (malformed.length > 0) throw new ConfigError(malformed.map((line) => `${fileName}:${line}`));
  const problems: string[] = [];
  const raw = substitute(value, '', { env, problems });
  if (problems.length > 0) throw new ConfigError(problems.map((line) => `${fileName}: ${line}`));
  return checkConfig(withEnvironment(raw, env), fileName);
}

/** The same for a configuration made by a program; `source` stands where the file's name would. */
export function checkConfig(input: unknown, source: string): Config {
  const result = configSchema.safeParse(input, { error: describe });
  if (result.success) return result.data;
  throw new ConfigError(result.error.issues.map((issue) => locate(issue, source)));
}

/** A connection string that may be shown: its password replaced. */
export function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return '(not a URL)';
  const parsed = new URL(url);
  if (parsed.password !== '') parsed.password = '***';
  if (parsed.searchParams.has('password')) parsed.searchParams.set('password', '***');
  return parsed.href;
}

function withEnvironment(raw: unknown, env: Environment): unknown {
  if (!isRecord(raw)) return raw;
  const signingKeys = env['QUORATE_SIGNING_KEYS']?.split(',').map((key) => key.trim());
  const listen = {
    ...(env['PORT'] ? { port: Number(env['PORT']) } : {}),
    ...(env['HOST'] ? { host: env['HOST'] } : {}),
  };
  const given = raw['listen'] ?? {};
  const fastLane = env['QUORATE_FAST_LANE'];
  return {
    ...raw,
    ...(fastLane === undefined ? {} : { fastLane: fastLane !== 'off' }),
    signingKeys: signingKeys ?? raw['signingKeys'] ?? [],
    ...withTraces(raw['tracing'], env),
    listen: isRecord(given) ? { ...given, ...listen } : given,
  };
}

interface Draft {
  readonly replicas: readonly z.output<typeof replicaSchema>[];
  readonly keyspaces: readonly z.output<typeof keyspaceSchema>[];
  readonly replicationFactor?: number | undefined;
}

function checkAcrossSettings(config: Draft, context: z.RefinementCtx): void {
  const problem = (path: (string | number)[], message: string): void => {
    context.addIssue({ code: 'custom', path, message });
  };
  const most = config.replicas.length;
  const tooMany = `must be at most ${most}, the number of replicas`;
  if ((config.replicationFactor ?? 0) > most) problem(['replicationFactor'], tooMany);

  const ids = config.replicas.map(({ id }) => id);
  const places = config.replicas.map(({ url }) => placeOf(url));
  for (const index of ids.keys()) {
    const sameId = ids.indexOf(ids[index] ?? '');
    const samePlace = places.indexOf(places[index] ?? '');
    if (sameId < index) problem(['replicas', index, 'id'], `is taken by replicas[${sameId}]`);
    // Two names for one database would count one disk as two votes.
    const same = `is the same database as replicas[${samePlace}]`;
    if (samePlace < index) problem(['replicas', index, 'url'], same);
  }
  for (const { path, message } of keyspaceProblems(config.keyspaces, most))
    problem(['keyspaces', ...path], message);
}

function isPostgresUrl(text: string): boolean {
  return URL.canParse(text) && ['postgres:', 'postgresql:'].includes(new URL(text).protocol);
}

function placeOf(url: string): string {
  if (!URL.canParse(url)) return url;
  const { hostname, port: given, pathname, searchParams } = new URL(url);
  return `${searchParams.get('host') ?? hostname}:${given || '5432'}${pathname}`;
}

/** One broken rule, in words. Never the value: it may be a secret. */
function describe(issue: z.core.$ZodRawIssue): string | undefined {
  const unit = { array: ' items', string: ' characters' }[String(issue['origin'])] ?? '';
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'is required';
      if (issue.expected === 'int' || Number.isNaN(issue.input)) return 'must be a whole number';
      return `must be ${kinds[issue.expected] ?? issue.expected}, and it is ${kindOf(issue.input)}`;
    case 'too_small':
      return `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}${unit}`;
    case 'too_big':
      return `must be at most ${issue.maximum}${unit}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    default:
      return undefined;
  }
}

function locate(issue: z.core.$ZodIssue, source: string): string {
  const path = issue.path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
  if (issue.code !== 'unrecognized_keys') {
    return `${source}: ${path === '' ? '' : `${path}: `}${issue.message}`;
  }
  const unknown = issue.keys.map((key) => (path === '' ? key : `${path}.${key}`));
  return `${source}: ${unknown.join(', ')}: not a setting that Quorate knows`;
}

const kinds: Readonly<Record<string, string>> = {
  array: 'a list',
  object: 'a map',
  string: 'a string',
  number: 'a number',
  boolean: 'true or false',
};

function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  return kinds[Array.isArray(value) ? 'array' : typeof value] ?? typeof value;
}
