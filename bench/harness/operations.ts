/** What a workload is made of. */
export const operations = [
  'get', 'getOne', 'getSession', 'getCausal', 'getAll', 'getLinearizable',
  'put', 'putVersion', 'putOne', 'putSession', 'putCausal', 'putAll', 'putLinearizable', 'putRegister', 'getMany',
  'range',
] as const; // prettier-ignore

export type Operation = (typeof operations)[number];

/** `putNew`: a put of a key that nobody has, whatever the draw of the workload is. */
export type Part = Operation | 'putNew';

/** The operation by which a part of a workload is asked for. */
export function templateOf(part: string): Operation {
  return part === 'putNew' ? 'put' : (part as Operation);
}

/**
 * How keys are drawn. `fresh`: from a stretch of its own each time, where no key is yet; `latest`:
 * Zipfian, the newest first; `each`: one after the other.
 */
export type Draw = 'uniform' | 'zipfian' | 'latest' | 'one' | 'fresh' | 'each';

export interface Workload {
  readonly name: string;
  /** Shares that add up to 1. */
  readonly mix: Partial<Readonly<Record<Part, number>>>;
  readonly draw: Draw;
  readonly valueBytes: number;
  /** One of those that the aims are about; the only ones of `--quick`. */
  readonly quick?: true;
}

const small = { valueBytes: 100 } as const;

/**
 * Those of YCSB (Cooper et al., "Benchmarking Cloud Serving Systems with YCSB", 2010) with its Zipfian
 * constant 0.99. D reads the latest and E scans, both beside inserts. F reads a key and then writes it:
 * here two requests, so two reads and one write of three.
 */
function ycsb(suffix: string, valueBytes: number): readonly Workload[] {
  const one = (letter: string, mix: Workload['mix'], draw: Draw = 'zipfian'): Workload => ({
    name: `YCSB ${letter}${suffix}`,
    mix,
    draw,
    valueBytes,
  });
  return [
    one('A', { get: 0.5, put: 0.5 }),
    one('B', { get: 0.95, put: 0.05 }),
    one('C', { get: 1 }),
    one('D', { get: 0.95, putNew: 0.05 }, 'latest'),
    one('E', { range: 0.95, putNew: 0.05 }),
    one('F', { get: 2 / 3, put: 1 / 3 }),
  ];
}

/** THE TABLE of workloads; those of longer values last, because all keys are written anew for them. */
export const workloads: readonly Workload[] = [
  { name: 'put', mix: { put: 1 }, draw: 'uniform', ...small, quick: true },
  { name: 'get', mix: { get: 1 }, draw: 'uniform', ...small, quick: true },
  { name: 'put SIBLINGS', mix: { putVersion: 1 }, draw: 'fresh', ...small, quick: true },
  { name: 'put hot key', mix: { put: 1 }, draw: 'one', ...small, quick: true },
  { name: 'put LINEARIZABLE', mix: { putLinearizable: 1 }, draw: 'fresh', ...small, quick: true },
  {
    name: 'put LINEARIZABLE again',
    mix: { putRegister: 1 },
    draw: 'uniform',
    ...small,
    quick: true,
  },
  { name: 'get LINEARIZABLE', mix: { getLinearizable: 1 }, draw: 'uniform', ...small, quick: true },
  { name: 'get hot key', mix: { get: 1 }, draw: 'one', ...small },
  { name: 'get ONE', mix: { getOne: 1 }, draw: 'uniform', ...small },
  { name: 'get SESSION', mix: { getSession: 1 }, draw: 'uniform', ...small },
  { name: 'get CAUSAL', mix: { getCausal: 1 }, draw: 'uniform', ...small },
  { name: 'get ALL', mix: { getAll: 1 }, draw: 'uniform', ...small },
  { name: 'put ONE', mix: { putOne: 1 }, draw: 'uniform', ...small },
  { name: 'put SESSION', mix: { putSession: 1 }, draw: 'uniform', ...small },
  { name: 'put CAUSAL', mix: { putCausal: 1 }, draw: 'uniform', ...small },
  { name: 'put ALL', mix: { putAll: 1 }, draw: 'uniform', ...small },
  { name: 'getMany of 20', mix: { getMany: 1 }, draw: 'uniform', ...small },
  { name: 'range of 50', mix: { range: 1 }, draw: 'uniform', ...small },
  ...ycsb('', 100),
  { name: 'put 1 KB', mix: { put: 1 }, draw: 'uniform', valueBytes: 1_000 },
  { name: 'get 1 KB', mix: { get: 1 }, draw: 'uniform', valueBytes: 1_000 },
  ...ycsb(' 1 KB', 1_000),
];
