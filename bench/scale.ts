import { measure } from './harness/measure.ts';
import { workloads } from './harness/operations.ts';
import { median } from './harness/table.ts';
import { startPoint, type Point, type PointOptions } from './scale-point.ts';

export interface ScaleOptions {
  readonly quick: boolean;
  readonly rounds: number;
  readonly seconds: number;
  readonly seed: number;
  readonly connections: number;
  /** Curves by their last word; all where left out. */
  readonly only?: readonly string[] | undefined;
  readonly dataDirectory: string;
}

/** One curve: what grows, and how the product is run at each of its points. */
interface Curve {
  readonly what: string;
  readonly points: readonly number[];
  readonly at: (point: number) => PointOptions;
}

function curves(quick: boolean): readonly Curve[] {
  const upTo = (...points: readonly number[]) => (quick ? points.slice(0, 2) : points);
  return [
    { what: 'replicas', points: upTo(3, 6, 12), at: (replicas) => ({ replicas }) },
    {
      // With more replicas the same requests are spread over more statements; here each replica has as many.
      what: 'as busy replicas',
      points: upTo(3, 6, 12),
      at: (replicas) => ({ replicas, share: replicas / 3 }),
    },
    {
      what: 'keys',
      points: quick ? [1_000, 10_000] : [10_000, 100_000, 1_000_000],
      at: (keys) => ({ keys }),
    },
    {
      what: 'idle subscribers',
      points: quick ? [0, 1, 1_000] : [0, 1, 1_000, 10_000],
      at: (subscribers) => ({ subscribers }),
    },
    { what: 'tenants', points: upTo(1, 100, 10_000), at: (tenants) => ({ tenants }) },
    { what: 'workers', points: [1, 2], at: (workers) => ({ workers }) },
  ];
}

const kinds = ['put', 'get'] as const;
type Costs = readonly { readonly point: number; readonly us: number; readonly perSecond: number }[];

/**
 * What a put and a get cost as something else grows: processor time of the product, for one request,
 * and the slope of the line through the points where both axes are logarithms (0: flat, 1: in
 * proportion). All points of a curve run at the same time and are measured in turn, so that what else
 * happens on the machine happens to all of them. Of tenants, `npm run bench:tenants` says what they cost
 * at the start, and in memory.
 */
export async function scale(options: ScaleOptions): Promise<void> {
  const { quick, only } = options;
  for (const curve of curves(quick)) {
    if (only && !only.includes(curve.what.split(' ').at(-1) ?? '')) continue;
    const points: Point[] = [];
    try {
      for (const point of curve.points) points.push(await started(curve, point, options));
      for (const kind of kinds)
        console.log(lineOf(curve, kind, await costs(curve, kind, { points, options })));
    } finally {
      for (const one of points) await one.stop();
    }
  }
}

async function started(curve: Curve, point: number, options: ScaleOptions): Promise<Point> {
  const startedMs = performance.now();
  const one = await startPoint(point, curve.at(point), options.dataDirectory);
  const tookS = ((performance.now() - startedMs) / 1_000).toFixed(0);
  process.stderr.write(`${curve.what} ${point}  filled and idle after ${tookS} s\n`);
  if (one.each !== undefined) console.log(`${curve.what} ${point}: ${one.each}`);
  return one;
}

/** The first round of each point, twice as long, warms it and is not counted. */
async function costs(
  { what }: Curve,
  kind: (typeof kinds)[number],
  { points, options }: { points: readonly Point[]; options: ScaleOptions },
): Promise<Costs> {
  const workload = workloads.find(({ name }) => name === kind);
  if (!workload) throw new Error(`there is no workload ${kind}`);
  const samples = new Map(points.map((one): [Point, Samples] => [one, { us: [], perSecond: [] }]));
  for (let round = 0; round <= options.rounds; round += 1)
    for (const [one, { us, perSecond }] of samples) {
      const sample = await measure(
        one.running,
        { contender: 'quorate', workload, round },
        {
          ...options,
          ...one,
          connections: options.connections * one.share,
          seconds: round === 0 ? 2 * options.seconds : options.seconds,
        },
      );
      const mark = round === 0 ? 'warm' : `${round}/${options.rounds}`;
      process.stderr.write(
        `${what} ${one.point}  ${kind}  ${mark}  ${Math.round(sample.perSecond)}/s  ${Math.round(sample.ownUs)} µs  ${Math.round(sample.residentMb)} MB\n`,
      );
      if (round === 0) continue;
      us.push(sample.ownUs);
      perSecond.push(sample.perSecond);
    }
  return [...samples].map(([{ point }, { us, perSecond }]) => ({
    point,
    us: median(us),
    perSecond: median(perSecond),
  }));
}

interface Samples {
  readonly us: number[];
  readonly perSecond: number[];
}

function lineOf({ what }: Curve, kind: string, line: Costs): string {
  const first = line[0]?.us ?? 0;
  const shown = line.map(
    ({ point, us, perSecond }, nth) =>
      `${point}: ${Math.round(us)} µs${nth === 0 ? '' : ` (${percent(us / first)})`}, ${Math.round(perSecond)}/s`,
  );
  return `${what.padEnd(17)} ${kind}   ${shown.join('   ')}   slope ${slope(line).toFixed(3)}`;
}

function percent(ratio: number): string {
  return `${ratio < 1 ? '' : '+'}${Math.round((ratio - 1) * 100)} %`;
}

/** Of the least squares line through the logarithms; from one on, as none has none. */
function slope(line: Costs): number {
  const logs = line.flatMap(({ point, us }) =>
    point > 0 ? [[Math.log(point), Math.log(us)] as const] : [],
  );
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, one) => sum + one, 0) / values.length;
  const [x, y] = [mean(logs.map(([one]) => one)), mean(logs.map(([, one]) => one))];
  const above = logs.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0);
  const below = logs.reduce((sum, [a]) => sum + (a - x) ** 2, 0);
  return below === 0 ? 0 : above / below;
}
