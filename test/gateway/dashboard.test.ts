import { globSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { showRoom } from '../../src/quotas/room.ts';
import { collectProcessMetrics } from '../../src/runtime/metrics.ts';
import { startMemoryEdge } from '../support/edge.ts';

interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number };
    readonly targets?: readonly { readonly expr: string }[];
  }[];
}
const { panels } = JSON.parse(readFileSync('deploy/grafana/quorate.json', 'utf8')) as Dashboard;
const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** The series that an expression reads, with the labels that it names. */
function seriesIn(expression: string): readonly (readonly [name: string, labels: string[]])[] {
  const grouped = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(',').map((label) => label.trim()),
  );
  return [...expression.matchAll(/\b((?:quorate|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)].map(
    ([, name = '', selector = '']) => {
      const selected = [...selector.matchAll(/(\w+)\s*[=!]/g)].map(([, label = '']) => label);
      return [name, [...selected, ...grouped]];
    },
  );
}

/** All metrics that the program has, wherever they are made: none is left out of this test. */
function namedInSource(): readonly string[] {
  const files = globSync('src/**/*.ts').map((file) => readFileSync(file, 'utf8'));
  const makers = files.filter((text) => /prom-client|addGauge|addCounter/.test(text));
  const names = makers.flatMap((text) => text.match(/(?<=')quorate_[a-z_]+(?=')/g) ?? []);
  return [...new Set(names)].toSorted();
}

test('every metric and label of the dashboard is one that /metrics has, and all of ours are on it', async () => {
  const edge = await startMemoryEdge();
  const { registry } = edge.metrics;
  collectProcessMetrics(edge.metrics);
  showRoom(edge.admission.room, edge.metrics);
  const text = await (await fetch(`${edge.origin}/metrics`)).text();
  const kinds = new Map(
    [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name = '', kind = '']) => [name, kind]),
  );
  const shown = new Set<string>();
  for (const expression of expressions) {
    const series = seriesIn(expression);
    expect([expression, series.length]).not.toEqual([expression, 0]);
    for (const [name, labels] of series) {
      const base = kinds.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
      expect([name, kinds.get(base)]).toEqual([name, expect.any(String)]);
      expect([name, base !== name]).toEqual([name, kinds.get(base) === 'histogram']);
      const metric = registry.getSingleMetric(base) as { labelNames?: readonly string[] };
      // Of the collector, and of histograms.
      const known = [...(metric.labelNames ?? []), 'instance', 'le'];
      expect([name, labels.filter((label) => !known.includes(label))]).toEqual([name, []]);
      shown.add(base);
    }
  }
  const own = [...kinds.keys()].filter((name) => name.startsWith('quorate_'));
  expect(own.toSorted()).toEqual(namedInSource());
  const manual = readFileSync('docs/operations.md', 'utf8');
  expect(own.filter((name) => !manual.includes(`\`${name}\``))).toEqual([]);
  expect(own.filter((name) => !shown.has(name))).toEqual([]);
  await edge.close();
});

test('panels have ids of their own and do not lie on each other', () => {
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const places = panels.map(({ gridPos: { x, y } }) => `${x} ${y}`);
  expect(new Set(places).size).toBe(panels.length);
  for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
});
