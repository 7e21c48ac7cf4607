import type { OptionTable } from './command-line.ts';

const configFile = {
  value: 'FILE',
  help: 'the configuration, YAML or JSON (QUORATE_CONFIG)',
} as const;
const help = { help: 'this text' } as const;
const dataDir = {
  value: 'DIR',
  help: 'where the databases live (QUORATE_DATA_DIR; default .quorate)',
} as const;
const apiKey = {
  value: 'KEY',
  help: 'of an OPERATOR; better in QUORATE_API_KEY, where no list of processes shows it',
} as const;
const port = { value: 'PORT', help: 'port of the gateway (PORT; default 4000)' } as const;

const tenantActs = [
  'list',
  'create NAME',
  'update NAME --quota JSON',
  'drop NAME',
  'key list NAME',
  'key create NAME --role ROLE',
  'key revoke PREFIX',
] as const;

const workers = {
  value: 'N',
  help: 'processes behind the one port, for several cores (default 1)',
} as const;

/** THE TABLE of commands: what the program reads from the command line, and what --help says. */
export const commands = {
  dev: {
    summary: 'start local Postgres databases and a gateway over them, until Ctrl-C',
    options: {
      replicas: { value: 'N', help: 'how many databases (default 3); fixed once there is data' },
      'replication-factor': {
        value: 'N',
        help: 'copies of each key in new keyspaces (default 3, at most --replicas)',
      },
      zones: {
        value: 'A,B,C',
        help: 'deal the replicas over these zones; fixed once there is data',
      },
      port,
      host: { value: 'HOST', help: 'address to listen on (HOST; default 127.0.0.1)' },
      'data-dir': dataDir,
      workers,
      'log-level': { value: 'LEVEL', help: 'trace, debug, info, warn (default), error or silent' },
      help,
    },
  },
  serve: {
    summary: 'run a gateway over the databases of a configuration; as many gateways as you like',
    options: {
      config: configFile,
      port: { ...port, help: 'instead of the one in the configuration (PORT)' },
      host: { value: 'HOST', help: 'instead of the one in the configuration (HOST)' },
      workers,
      help,
    },
  },
  migrate: {
    summary: 'bring every database of a configuration to the schema of this version',
    options: {
      config: configFile,
      'timeout-ms': {
        value: 'MS',
        help: 'for connecting, and waiting for locks (default 60000)',
      },
      help,
    },
  },
  repair: {
    summary: 'compare the replicas now, and bring them to the same state',
    options: {
      config: { ...configFile, help: `${configFile.help}; without it, the local cluster` },
      'data-dir': dataDir,
      tenant: { value: 'TENANT', help: 'only keyspaces of this tenant' },
      keyspace: { value: 'NAME', help: 'only keyspaces of this name' },
      replica: { value: 'ID', help: 'only partitions of which this replica holds a copy' },
      'timeout-ms': { value: 'MS', help: 'for connecting to a replica (default 2000)' },
      help,
    },
  },
  admit: {
    summary: 'give a replica its vote back although nobody can vouch for what it has lost',
    options: {
      config: { ...configFile, help: `${configFile.help}; without it, the local cluster` },
      'data-dir': dataDir,
      replica: { value: 'ID', help: 'which one; it must be REPAIRING' },
      'accept-loss': { help: 'what only lost disks held is lost, and you accept that' },
      'timeout-ms': { value: 'MS', help: 'for connecting to a replica (default 2000)' },
      help,
    },
    notes: [
      'Only for replicas that lost their data at the same time: each waits for the other, and no',
      'quorum votes. A replica that has lost its data alone is admitted by the gateways.',
    ],
  },
  status: {
    summary: 'print the cluster as a table; exit code 1 unless all replicas are UP',
    options: {
      url: {
        value: 'URL',
        help: 'of the gateway to ask (QUORATE_URL); without it, the replicas themselves',
      },
      'api-key': apiKey,
      config: {
        ...configFile,
        help: `whose replicas to ask when no gateway is, or it does not answer`,
      },
      'data-dir': { ...dataDir, help: `or whose local cluster (QUORATE_DATA_DIR)` },
      'timeout-ms': { value: 'MS', help: 'how long an answer may take (default 2000)' },
      json: { help: 'print JSON' },
      help,
    },
    notes: [
      'HINTS  writes that other replicas keep for this one, because it did not take them',
      'LAG    the age of the oldest of those',
      'P50    half of its reads took at most this long, lately, at that gateway; asked directly:',
      '       of 20 small statements',
      'P99    99 of 100 did',
    ],
  },
  tenant: {
    summary: 'manage tenants and their API keys at a running gateway, as an OPERATOR',
    words: tenantActs,
    options: {
      url: { value: 'URL', help: 'the gateway (QUORATE_URL; default http://127.0.0.1:4000)' },
      'api-key': apiKey,
      role: { value: 'ROLE', help: 'READER, WRITER, ADMIN or OPERATOR, for key create' },
      keyspaces: { value: 'A,B*', help: 'limits a new key to these; default: all of the tenant' },
      expires: { value: 'TIME', help: 'when a new key ends, in ISO 8601; default: never' },
      quota: { value: 'JSON', help: 'such as {"keys":1000}; update replaces the whole quota' },
      json: { help: 'print the answer as JSON' },
      'timeout-ms': { value: 'MS', help: 'how long the gateway may take (default 30000)' },
      help,
    },
  },
} as const satisfies Record<string, CommandSpec>;

interface CommandSpec {
  readonly summary: string;
  readonly options: OptionTable;
  /** Words that follow the command, one of which must be given. */
  readonly words?: readonly string[];
  /** What --help says below the options. */
  readonly notes?: readonly string[];
}

export type CommandName = keyof typeof commands;

export function isCommand(word: string): word is CommandName {
  return Object.hasOwn(commands, word);
}

/** The text of `quorate --help`. */
export function generalHelp(): string {
  const rows = Object.entries(commands).map(([name, { summary }]) => [name, summary] as const);
  return [
    'Quorate: a GraphQL key-value service with tunable consistency over plain Postgres.',
    '',
    'Usage: quorate <command> [options]',
    '',
    'Commands:',
    ...aligned(rows),
    '',
    'Options:',
    ...aligned([
      ['--help', 'this text; after a command, its options'],
      ['--version', 'the version of this program'],
    ]),
    '',
    'Options go before environment variables, and those before the configuration file.',
    'QUORATE_SIGNING_KEYS (comma separated) replaces the signing keys of the configuration.',
    'Exit codes: 0 stopped as asked · 1 could not do it · 2 not a command line it understands.',
    '',
  ].join('\n');
}

/** The text of `quorate <command> --help`. */
export function commandHelp(name: CommandName): string {
  const { summary, options: table, words, notes = [] }: CommandSpec = commands[name];
  const rows = Object.entries(table).map(([option, { value, help: text }]) => {
    return [`--${option}${value === undefined ? '' : ` ${value}`}`, text] as const;
  });
  const usages = (words ?? ['']).map((act) => `quorate ${name} ${act}`.trimEnd());
  return [
    ...usages.map((usage, nth) => `${nth === 0 ? 'Usage: ' : '       '}${usage} [options]`),
    '',
    `  ${summary}`,
    '',
    ...aligned(rows),
    ...(notes.length === 0 ? [] : ['', ...notes.map((line) => `  ${line}`)]),
    '',
  ].join('\n');
}

function aligned(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
