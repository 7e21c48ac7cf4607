import { describe, expect, test } from '@jest/globals';
import { CausalOrder, type LogItem } from '../../src/feed/causal-order.ts';
import type { Cell } from '../../src/causality/cell.ts';
import { chain, changeOf, valuesOf } from './support.ts';

const [v1, v2] = chain('a', ['v1', 'v2']) as [Cell, Cell];
const item = (key: string, cell: Cell): LogItem => ({
  kind: 'change',
  change: changeOf(key, cell),
});
const drained = (order: CausalOrder): string[] => {
  const texts: string[] = [];
  order.drain(({ replica, item: what, early }) => {
    const text =
      what.kind === 'change' ? `${what.change.key}=${valuesOf(what.change.cell)}` : what.kind;
    texts.push(`${replica}:${text}${early ? '!' : ''}`);
  });
  return texts;
};

describe('merging the logs of several replicas', () => {
  test('a change waits until the others were read after it, and then comes after what it replaced', () => {
    const order = new CausalOrder();
    order.offer('B', { items: [item('x', v2)], needs: new Map([['A', 7]]) });
    order.finished('A', 6);
    expect(drained(order)).toEqual([]);
    order.offer('A', { items: [item('y', v1), item('x', v1)], needs: new Map([['B', 3]]) });
    order.finished('A', 7);
    expect(drained(order)).toEqual(['A:x=v1!', 'B:x=v2']);
    order.finished('B', 3);
    expect(drained(order)).toEqual(['A:y=v1', 'A:x=v1']);
  });

  test('what was pulled ahead is pulled again for those who have joined since, and equal states are not pulled', () => {
    const order = new CausalOrder();
    order.offer('A', { items: [item('x', v1)], needs: new Map([['B', 9]]) });
    order.offer('B', { items: [item('x', v1), item('x', v2)], needs: new Map() });
    order.offer('C', { items: [item('x', v2)], needs: new Map([['B', 1]]) });
    expect(drained(order)).toEqual(['B:x=v1', 'A:x=v1!', 'B:x=v2']);
    order.joined('A');
    order.finished('B', 1);
    expect(drained(order)).toEqual(['A:x=v1!', 'C:x=v2']);
  });

  test('nobody waits for a replica that is lost', () => {
    const order = new CausalOrder();
    order.offer('B', { items: [item('x', v2)], needs: new Map([['A', 7]]) });
    expect([...order.awaited()]).toEqual(['A']);
    order.lost('A');
    expect(drained(order)).toEqual(['B:x=v2']);
    expect([...order.awaited()]).toEqual([]);
  });

  test('a quiet window of a replica passes at once, but never past its own changes', () => {
    const order = new CausalOrder();
    const end: LogItem = { kind: 'end', position: { incarnation: 'i', seen: '1:1:' }, begun: 1 };
    order.offer('A', { items: [end], needs: new Map() });
    expect(drained(order)).toEqual(['A:end']);
    order.offer('A', { items: [item('x', v1)], needs: new Map([['B', 1]]) });
    order.offer('A', { items: [end], needs: new Map() });
    expect(drained(order)).toEqual([]);
    order.finished('B', 1);
    expect(drained(order)).toEqual(['A:x=v1', 'A:end']);
  });
});
