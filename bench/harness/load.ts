import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Running, Template } from './contender.ts';
import { templateOf, type Workload } from './operations.ts';

/** What one round of load has shown. */
export interface Load {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

interface LoadOptions {
  readonly connections: number;
  readonly seconds: number;
  readonly seed: number;
  readonly keys: number;
  /** Where the stretch of keys begins that nobody has written yet. */
  readonly firstFresh: number;
  readonly directory: string;
}

/** A whole number of characters that base64 codes without padding. */
const keyLength = 12;

export function filler(valueBytes: number): string {
  return 'x'.repeat(Math.ceil((valueBytes - keyLength) / 3) * 3);
}

export function keyAt(number: number): string {
  return `key${String(number).padStart(9, '0')}`;
}

/** The credential of a tenant: as long for all, so that requests have one length. */
export function secretAt(tenant: number): string {
  return `${secretPrefix}${String(tenant).padStart(9, '0')}`;
}

const secretPrefix = 'a-secret-of-a-bench-';

/** What was measured is worth nothing: it answered wrongly, or not at all. */
export class WrongAnswers extends Error {}

/**
 * Loads a running contender with `wrk`, whose answers are all verified in `load.lua`. Rejects with
 * `WrongAnswers` when one of them was wrong.
 */
export async function load(
  running: Running,
  workload: Workload,
  options: LoadOptions,
): Promise<Load> {
  const planFile = join(options.directory, 'plan.lua');
  writeFileSync(planFile, planOf(running, workload, options));
  const script = new URL('./load.lua', import.meta.url).pathname;
  const flags = ['-t1', `-c${options.connections}`, `-d${options.seconds}s`, '--timeout', '10s'];
  const printed = await run('wrk', [...flags, '-s', script, running.origin, '--', planFile]);
  const figures = /RESULT ([\d ]+)/.exec(printed)?.[1]?.split(' ').map(Number);
  if (!figures) throw new Error(`wrk has printed no result:\n${printed}`);
  const [requests = 0, durationUs = 1, p50Us = 0, p99Us = 0, wrong = 0, broken = 0] = figures;
  if (wrong + broken > 0 || requests === 0) {
    const example = /WRONG (.*)/.exec(printed)?.[1] ?? '';
    throw new WrongAnswers(
      `${wrong} of ${requests} answers were wrong, ${broken} broken: ${example}`,
    );
  }
  return {
    requests,
    perSecond: requests / (durationUs / 1e6),
    p50Ms: p50Us / 1_000,
    p99Ms: p99Us / 1_000,
  };
}

function planOf(running: Running, workload: Workload, options: LoadOptions): string {
  let upTo = 0;
  const operations = Object.entries(workload.mix).map(([name, share]) => {
    const template = running.operations[templateOf(name)];
    if (!template) throw new Error(`the contender has no operation ${name}`);
    upTo += share;
    const isNew = name === 'putNew';
    return operationOf(template, { upTo, isNew, running, valueBytes: workload.valueBytes });
  });
  return `return {
  seed = ${options.seed}, keys = ${options.keys}, firstFresh = ${options.firstFresh},
  draw = ${quoted(workload.draw)}, filler = ${quoted(filler(workload.valueBytes))},
  base64 = ${String(running.encoding === 'base64')}, tenants = ${running.tenants ?? 1}, secret = ${quoted(secretPrefix)},
  operations = {
${operations.join(',\n')}
  }
}
`;
}

function operationOf(
  template: Template,
  {
    upTo,
    isNew,
    running,
    valueBytes,
  }: {
    upTo: number;
    isNew: boolean;
    running: Running;
    valueBytes: number;
  },
): string {
  const parts = wire(template, running, valueBytes).split(/(\{\{(?:key|value|secret)\}\})/);
  const lua = parts.map((part) => gaps[part] ?? quoted(part));
  const { pair, pairs = 1, marks = [] } = template.answer;
  const isMany = parts.filter((part) => part === '{{key}}').length > 1;
  return `    { upTo = ${upTo}, isNew = ${isNew}, many = ${isMany}, parts = { ${lua.join(', ')} },
      marks = { ${marks.map(quoted).join(', ')} }, pairs = ${pairs}, pair = ${pair === undefined ? 'nil' : quoted(pair)} }`;
}

/** How the gaps of a template are told to `load.lua`. */
const gaps: Readonly<Record<string, string>> = {
  '{{key}}': '1',
  '{{value}}': '2',
  '{{secret}}': '3',
};

/** The bytes of the request. Keys and values have one length each, so the length is known. */
function wire({ path, headers, body }: Template, running: Running, valueBytes: number): string {
  const encoded = (text: string): string =>
    running.encoding === 'base64' ? Buffer.from(text).toString('base64') : text;
  const filled = body
    .replaceAll('{{key}}', encoded(keyAt(0)))
    .replaceAll('{{value}}', encoded(keyAt(0) + filler(valueBytes)));
  const lines = Object.entries({
    Host: new URL(running.origin).host,
    'Content-Type': 'application/json',
    Accept: 'application/json',
    'Content-Length': String(Buffer.byteLength(filled)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}`);
  return [`POST ${path} HTTP/1.1`, ...lines, '', body].join('\r\n');
}

function quoted(text: string): string {
  return JSON.stringify(text).replaceAll('\\/', '/');
}

function run(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    child.on('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'ENOENT'
          ? new Error('wrk is not installed: apt-get install wrk, or brew install wrk')
          : error,
      ),
    );
    child.on('close', (code) =>
      code === 0 ? resolve(printed) : reject(new Error(`wrk ended with ${code}:\n${printed}`)),
    );
  });
}
