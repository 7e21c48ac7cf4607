import type { Sample } from './measure.ts';

/** What the rounds of one workload at one contender come to. */
export interface Summary {
  readonly contender: string;
  readonly workload: string;
  readonly rounds: number;
  readonly perSecond: number;
  readonly least: number;
  readonly most: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly machineUs: number;
  readonly ownUs: number;
  readonly residentMb: number;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = 0, high = 0] = [sorted[(sorted.length - 1) >> 1], sorted[middle]];
  return (low + high) / 2;
}

/** Medians of the rounds, in the order in which contenders and workloads first appear. */
export function summarise(samples: readonly Sample[]): readonly Summary[] {
  const groups = Map.groupBy(samples, ({ workload, contender }) => `${workload}\0${contender}`);
  return [...groups.values()].map((group) => {
    const of = (pick: (sample: Sample) => number): number => median(group.map(pick));
    const rates = group.map(({ perSecond }) => perSecond);
    const [{ contender, workload } = { contender: '', workload: '' }] = group;
    return {
      contender,
      workload,
      rounds: group.length,
      perSecond: of((one) => one.perSecond),
      least: Math.min(...rates),
      most: Math.max(...rates),
      p50Ms: of((one) => one.p50Ms),
      p99Ms: of((one) => one.p99Ms),
      machineUs: of((one) => one.machineUs),
      ownUs: of((one) => one.ownUs),
      residentMb: of((one) => one.residentMb),
    };
  });
}

const heads = [
  'workload', 'contender', 'req/s', 'min–max', 'p50 ms', 'p99 ms', 'machine µs', 'own µs', 'MB', 'quorate is',
]; // prettier-ignore

/** The table, `×` being how many times as many requests a second the first contender answers. */
export function table(summaries: readonly Summary[], first: string): string {
  const rows = summaries.map((one) => {
    const own = summaries.find(
      (other) => other.contender === first && other.workload === one.workload,
    );
    const ratio = own && own !== one ? `${(own.perSecond / one.perSecond).toFixed(2)}×` : '';
    return [
      one.workload,
      one.contender,
      whole(one.perSecond),
      `${whole(one.least)}–${whole(one.most)}`,
      one.p50Ms.toFixed(1),
      one.p99Ms.toFixed(1),
      whole(one.machineUs),
      whole(one.ownUs),
      whole(one.residentMb),
      ratio,
    ];
  });
  const all = [heads, ...rows];
  const widths = heads.map((_, column) =>
    Math.max(...all.map((row) => (row[column] ?? '').length)),
  );
  return all
    .map((row) =>
      row
        .map((cell, column) =>
          column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  '),
    )
    .join('\n');
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}
