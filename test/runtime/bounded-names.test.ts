import { expect, test } from '@jest/globals';
import { BoundedNames } from '../../src/runtime/bounded-names.ts';

test('so many names are labels of their own; ten thousand others are one', () => {
  const names = new BoundedNames(3);
  const labels = Array.from({ length: 10_000 }, (_, i) => names.of(`tenant-${i}`));
  expect(new Set(labels)).toEqual(new Set(['tenant-0', 'tenant-1', 'tenant-2', '(others)']));
  expect(names.of('tenant-1')).toBe('tenant-1');
});
