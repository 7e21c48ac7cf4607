import { BoundedNames } from './bounded-names.ts';
import { Counter, Histogram } from './instruments.ts';
import { Counter as LookedUpCounter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';

const secondsBuckets = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/**
 * Every instrument of the gateway, by name; `/metrics` prints them. Labels have bounded sets of
 * values: never a key; of tenants so many, and the others together.
 */
export type Metrics = ReturnType<typeof createMetrics>;

/** With some twenty codes: at most 4,000 series. */
const tenantsMax = 200;

export function createMetrics() {
  const registry = new Registry();
  const { counter, histogram, gauge } = instruments(registry);
  return {
    registry,
    ...ofTenants(counter),
    requests: counter(
      'quorate_requests_total',
      'Fields answered, by field, level asked and result code',
      ['field', 'level', 'code'],
    ),
    requestSeconds: histogram('quorate_request_seconds', 'Time of a data field', {
      names: ['field', 'level'],
      buckets: secondsBuckets,
    }),
    quorums: counter('quorate_quorum_outcomes_total', 'Scatter rounds by kind and verdict', [
      'kind',
      'verdict',
    ]),
    replicaSeconds: histogram('quorate_replica_call_seconds', 'Time of one replica call', {
      names: ['replica', 'call'],
      buckets: secondsBuckets,
    }),
    replicaFaults: counter('quorate_replica_faults_total', 'Failed replica calls', [
      'replica',
      'fault',
    ]),
    repairs: counter('quorate_repairs_total', 'Cells sent to replicas found behind', [
      'kind',
      'result',
    ]),
    hedges: counter('quorate_hedges_total', 'Replicas asked because another was slow', [
      'kind',
      'result',
    ]),
    antiEntropyKeys: counter(
      'quorate_anti_entropy_keys_total',
      'Keys that anti-entropy has compared, found different, repaired, was refused, could not',
      ['kind'],
    ),
    tombstones: counter('quorate_tombstones_total', 'Deletions looked at for collection', [
      'result',
    ]),
    hints: counter('quorate_hints_total', 'Cells kept for replicas that did not take them', [
      'result',
    ]),
    openHints: gauge('quorate_open_hints', 'Hints that are kept for a replica', ['replica']),
    batchSize: histogram('quorate_batch_size', 'Calls in one statement', {
      names: ['replica', 'call'],
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
    }),
    subscriptions: gauge('quorate_open_subscriptions', 'Open change subscriptions'),
    sockets: gauge('quorate_open_sockets', 'Open WebSocket connections'),
    feedEvents: counter('quorate_feed_events_total', 'Events sent to subscribers', ['kind']),
  };
}

function ofTenants(counter: Instruments['counter']) {
  return {
    tenantRequests: counter(
      'quorate_tenant_requests_total',
      'Operations by tenant and result code; of tenants beyond the first 200 together',
      ['tenant', 'code'],
    ),
    tenantCost: counter(
      'quorate_tenant_cost_total',
      'Cost of the documents that were let in, by tenant as above',
      ['tenant'],
    ),
    /** What a tenant is called in a metric. */
    tenantNames: new BoundedNames(tenantsMax),
  };
}

interface Figure {
  readonly name: string;
  readonly help: string;
  readonly read: () => number;
}

/** Adds a figure that is looked up when `/metrics` is printed, so that keeping it costs nothing. */
export function addGauge({ registry }: Metrics, { name, help, read }: Figure): void {
  const collect = function (this: Gauge): void {
    this.set(read());
  };
  new Gauge({ name, help, registers: [registry], collect });
}

/** The same for one that only grows. */
export function addCounter({ registry }: Metrics, { name, help, read }: Figure): void {
  const collect = function (this: LookedUpCounter): void {
    this.reset();
    this.inc(read());
  };
  new LookedUpCounter({ name, help, registers: [registry], collect });
}

type Instruments = ReturnType<typeof instruments>;

function instruments(registry: Registry) {
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name, help, labelNames, registry });
  const histogram = <L extends string>(
    name: string,
    help: string,
    labels: { names: readonly L[]; buckets: number[] },
  ) => new Histogram({ name, help, labelNames: labels.names, buckets: labels.buckets, registry });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  return { counter, histogram, gauge };
}

/**
 * Adds the process's own figures (memory, event loop, garbage collection). Once a process, never in
 * tests.
 */
export function collectProcessMetrics(metrics: Metrics): Metrics {
  collectDefaultMetrics({ register: metrics.registry });
  return metrics;
}
