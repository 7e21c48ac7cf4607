import type { LocalReplica } from '../local-cluster/cluster.ts';

export interface BannerOptions {
  readonly url: string;
  readonly replicas: readonly LocalReplica[];
  readonly dataDirectory: string;
  readonly replicationFactor: number;
  /** Only for a terminal: a file or a pipe gets plain text. */
  readonly colour: boolean;
}

/** What a person sees when the local cluster is ready: where it is, and what to try first. */
export function banner(options: BannerOptions): string {
  const { url, replicas, dataDirectory, replicationFactor } = options;
  const paint = painter(options.colour);
  const named = replicas.map(({ id, zone, url: connection }) => {
    return `  ${paint.bold(id)}${zone === undefined ? '' : ` (${zone})`}  ${connection}`;
  });
  return [
    '',
    `${paint.green('●')} ${paint.bold('Quorate is ready')} at ${paint.bold(url)}`,
    '',
    'Open it in a browser for GraphiQL. Tenant demo, keyspaces demo (SIBLINGS) and profiles',
    `(LAST_WRITE_WINS), ${replicationFactor} copies of each key on ${replicas.length} replicas. Data in ${dataDirectory}`,
    '',
    ...named,
    '',
    paint.dim('# 1. Write a value, and see which replicas took it'),
    firstPut,
    '',
    paint.dim('# 2. Read it back from a majority, with the receipt of what was really given'),
    readBack,
    '',
    paint.dim(
      '# 3. Write again without the context of a read: nobody is overwritten, both are kept',
    ),
    conflict,
    '',
    paint.dim('Ctrl-C stops the gateway and its databases; the data stays.'),
    '',
  ].join('\n');
}

const firstPut = `mutation { put(keyspace: "demo", key: "cart", value: ["apples"]) {
  entry { current { value } } receipt { replicas { replica status elapsedMs } } } }`;

const readBack = `query { get(keyspace: "demo", key: "cart", consistency: QUORUM) {
  entry { current { value context } } receipt { level required answered stale repaired } } }`;

const conflict = `mutation { put(keyspace: "demo", key: "cart", value: ["pears"]) {
  entry { current { inConflict siblings { value } context } } } }`;

interface Painter {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly green: (text: string) => string;
}

function painter(colour: boolean): Painter {
  const wrap = (code: number) => (text: string) =>
    colour ? `\u001b[${code}m${text}\u001b[0m` : text;
  return { bold: wrap(1), dim: wrap(2), green: wrap(32) };
}
