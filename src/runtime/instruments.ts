import type { Metric, MetricObjectWithValues, MetricValueWithName, Registry } from 'prom-client';

/** What a counter or a histogram is told with. */
export interface InstrumentOptions<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly L[];
  readonly registry: Registry;
}

type Labels<L extends string> = Readonly<Record<L, string>>;

/**
 * Series by the values of their labels, one look-up a label. prom-client's own counters and histograms
 * check and sort the labels and put them together into a text at every step, and a request takes
 * about ten; so only the printing is left to it.
 */
class SeriesByLabels<L extends string, S> {
  readonly #names: readonly L[];
  readonly #make: (labels: Labels<L>) => S;
  readonly #root = new Map<string, unknown>();
  readonly all: S[] = [];

  constructor(names: readonly L[], make: (labels: Labels<L>) => S) {
    this.#names = names;
    this.#make = make;
  }

  of(labels: Labels<L>): S {
    let at = this.#root;
    const last = this.#names.length - 1;
    for (let index = 0; index < last; index += 1) {
      const value = labels[this.#names[index] as L];
      let next = at.get(value) as Map<string, unknown> | undefined;
      if (!next) at.set(value, (next = new Map()));
      at = next;
    }
    const value = labels[this.#names[last] as L];
    const known = at.get(value) as S | undefined;
    if (known !== undefined) return known;
    const made = this.#make({ ...labels });
    at.set(value, made);
    this.all.push(made);
    return made;
  }
}

type Value = MetricValueWithName<string>;

/** Figures alone, as prom-client's own are: a worker sends them to the process that adds them up. */
function told<L extends string>(
  { name, help }: InstrumentOptions<L>,
  type: 'counter' | 'histogram',
  values: Value[],
): MetricObjectWithValues<Value> {
  const figures = { name, help, type, aggregator: 'sum', values };
  return figures as unknown as MetricObjectWithValues<Value>;
}

/** prom-client prints whatever answers `get`. */
function register<L extends string>(
  { registry }: InstrumentOptions<L>,
  instrument: { get(): Promise<MetricObjectWithValues<Value>> },
): void {
  registry.registerMetric(instrument as unknown as Metric);
}

/** A counter with labels, at the cost of a few look-ups. */
export class Counter<L extends string> {
  readonly name: string;
  readonly labelNames: readonly L[];
  readonly #options: InstrumentOptions<L>;
  readonly #series: SeriesByLabels<L, { readonly labels: Labels<L>; count: number }>;

  constructor(options: InstrumentOptions<L>) {
    this.name = options.name;
    this.labelNames = options.labelNames;
    this.#options = options;
    this.#series = new SeriesByLabels(options.labelNames, (labels) => ({ labels, count: 0 }));
    register(options, this);
  }

  inc(labels: Labels<L>, by = 1): void {
    this.#series.of(labels).count += by;
  }

  async get(): Promise<MetricObjectWithValues<Value>> {
    const values = this.#series.all.map(({ labels, count }) => ({ labels, value: count }));
    return told(this.#options, 'counter', values as Value[]);
  }
}

interface Buckets<L extends string> {
  readonly labels: Labels<L>;
  /** How many fell into each bucket and not into the one before it; the last one is beyond all. */
  readonly counts: Float64Array;
  sum: number;
}

/** A histogram with labels, at the cost of a few look-ups. */
export class Histogram<L extends string> {
  readonly name: string;
  readonly labelNames: readonly L[];
  readonly #options: InstrumentOptions<L>;
  readonly #bounds: readonly number[];
  readonly #series: SeriesByLabels<L, Buckets<L>>;

  constructor(options: InstrumentOptions<L> & { readonly buckets: readonly number[] }) {
    this.name = options.name;
    this.labelNames = options.labelNames;
    this.#options = options;
    this.#bounds = options.buckets;
    this.#series = new SeriesByLabels(options.labelNames, (labels) => ({
      labels,
      counts: new Float64Array(options.buckets.length + 1),
      sum: 0,
    }));
    register(options, this);
  }

  observe(labels: Labels<L>, value: number): void {
    const series = this.#series.of(labels);
    let bucket = 0;
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] ?? 0)) bucket += 1;
    series.counts[bucket] = (series.counts[bucket] ?? 0) + 1;
    series.sum += value;
  }

  async get(): Promise<MetricObjectWithValues<Value>> {
    const values = this.#series.all.flatMap((series) => this.#valuesOf(series));
    return told(this.#options, 'histogram', values as Value[]);
  }

  /** Each bucket counts what the smaller ones do, as Prometheus has it. */
  #valuesOf({ labels, counts, sum }: Buckets<L>): unknown[] {
    let upTo = 0;
    const named = (suffix: string): string => `${this.#options.name}_${suffix}`;
    const buckets = [...this.#bounds, '+Inf'].map((le, index) => {
      upTo += counts[index] ?? 0;
      return { labels: { le, ...labels }, value: upTo, metricName: named('bucket') };
    });
    return [
      ...buckets,
      { labels, value: sum, metricName: named('sum') },
      { labels, value: upTo, metricName: named('count') },
    ];
  }
}
