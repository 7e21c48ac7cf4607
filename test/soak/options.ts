import { parseArgs } from 'node:util';

import { allFaultKinds, type FaultKind } from './fault-sorts.ts';

/** What a soak is asked for. */
export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Stops earlier, after so many; fewer is a failure. */
  readonly operations: number | undefined;
  /** Where the history goes, as JSON lines. */
  readonly history: string | undefined;
  readonly clients: number;
  readonly quiet: boolean;
  /** Postgres without fsync. */
  readonly fast: boolean;
  /** Which faults come; each at least once. */
  readonly kinds: readonly FaultKind[];
}

export const usage = `npm run soak -- [options]

  --minutes N      how long clients work (default 2)
  --operations N   stop earlier, after so many operations; fewer than that is a failure
  --seed N         seed of workload and faults (default: by chance; it is printed)
  --history FILE   write every operation to FILE, one JSON object a line
  --clients N      clients at the same time (default 24)
  --fast           Postgres without fsync
  --faults A,B     only these (default: all): ${allFaultKinds.join(', ')}
  --quiet          only the report at the end
`;

/** Throws an `Error` with one sentence about what is wrong. */
export function readOptions(args: readonly string[]): SoakOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '2' },
      operations: { type: 'string' },
      seed: { type: 'string' },
      history: { type: 'string' },
      clients: { type: 'string', default: '24' },
      quiet: { type: 'boolean', default: false },
      fast: { type: 'boolean', default: false },
      faults: { type: 'string' },
    },
  });
  const { operations, seed, history, quiet, fast } = values;
  return {
    minutes: positive('minutes', values.minutes),
    operations: operations === undefined ? undefined : whole('operations', operations),
    seed: seed === undefined ? Math.floor(Math.random() * 1_000_000) : whole('seed', seed),
    history,
    clients: whole('clients', values.clients),
    quiet,
    fast,
    kinds: kindsOf(values.faults),
  };
}

function kindsOf(text: string | undefined): readonly FaultKind[] {
  if (text === undefined) return allFaultKinds;
  return text.split(',').map((name) => {
    const found = allFaultKinds.find((kind) => kind === name.trim());
    if (found) return found;
    throw new Error(`--faults knows no "${name}": there are ${allFaultKinds.join(', ')}.`);
  });
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (!(number > 0 && number < Infinity)) throw new Error(`--${name} must be a number above 0.`);
  return number;
}

function whole(name: string, text: string): number {
  const number = positive(name, text);
  if (!Number.isInteger(number)) throw new Error(`--${name} must be a whole number.`);
  return number;
}
