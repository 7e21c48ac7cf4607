/** What a workload is made of. `put`: what stands is replaced; `putNew`: a key that nobody has. */
export const operations = [
  'get', 'getOne', 'getSession', 'getCausal', 'getAll', 'getLinearizable',
  'put', 'putVersion', 'putOne', 'putAll', 'putLinearizable', 'put1k', 'getMany', 'range',
] as const; // prettier-ignore

export type Operation = (typeof operations)[number];

/** How keys are drawn. `fresh`: from a stretch of its own each time, where no key is yet. */
export type Draw = 'uniform' | 'zipfian' | 'one' | 'fresh';

export interface Workload {
  readonly name: string;
  /** Shares that add up to 1. */
  readonly mix: Partial<Readonly<Record<Operation, number>>>;
  readonly draw: Draw;
  readonly valueBytes: number;
  /** Measured with `--quick` too. */
  readonly quick?: true;
}

const small = { valueBytes: 100 } as const;

/**
 * THE TABLE of workloads. A to F are those of YCSB (Cooper et al., "Benchmarking Cloud Serving
 * Systems with YCSB", 2010) with its Zipfian constant 0.99. F reads a key and then writes it: here
 * two requests, so two reads and one write of three.
 */
export const workloads: readonly Workload[] = [
  { name: 'put', mix: { put: 1 }, draw: 'uniform', ...small, quick: true },
  { name: 'get', mix: { get: 1 }, draw: 'uniform', ...small, quick: true },
  { name: 'put SIBLINGS', mix: { putVersion: 1 }, draw: 'fresh', ...small, quick: true },
  { name: 'put hot key', mix: { put: 1 }, draw: 'one', ...small, quick: true },
  { name: 'put LINEARIZABLE', mix: { putLinearizable: 1 }, draw: 'fresh', ...small, quick: true },
  { name: 'get LINEARIZABLE', mix: { getLinearizable: 1 }, draw: 'uniform', ...small, quick: true },
  { name: 'get hot key', mix: { get: 1 }, draw: 'one', ...small },
  { name: 'put 1 KB', mix: { put1k: 1 }, draw: 'uniform', valueBytes: 1_000 },
  { name: 'get ONE', mix: { getOne: 1 }, draw: 'uniform', ...small },
  { name: 'get SESSION', mix: { getSession: 1 }, draw: 'uniform', ...small },
  { name: 'get CAUSAL', mix: { getCausal: 1 }, draw: 'uniform', ...small },
  { name: 'get ALL', mix: { getAll: 1 }, draw: 'uniform', ...small },
  { name: 'put ONE', mix: { putOne: 1 }, draw: 'uniform', ...small },
  { name: 'put ALL', mix: { putAll: 1 }, draw: 'uniform', ...small },
  { name: 'getMany of 20', mix: { getMany: 1 }, draw: 'uniform', ...small },
  { name: 'range of 50', mix: { range: 1 }, draw: 'uniform', ...small },
  { name: 'YCSB A', mix: { get: 0.5, put: 0.5 }, draw: 'zipfian', ...small },
  { name: 'YCSB B', mix: { get: 0.95, put: 0.05 }, draw: 'zipfian', ...small },
  { name: 'YCSB C', mix: { get: 1 }, draw: 'zipfian', ...small },
  { name: 'YCSB D', mix: { get: 0.95, put: 0.05 }, draw: 'zipfian', ...small },
  { name: 'YCSB E', mix: { range: 0.95, put: 0.05 }, draw: 'zipfian', ...small },
  { name: 'YCSB F', mix: { get: 2 / 3, put: 1 / 3 }, draw: 'zipfian', ...small },
];
