import { describe, expect, test } from '@jest/globals';
import { catchControl } from './catch.ts';
import { controls } from './controls/controls.ts';
import { scenarios } from './scenarios.ts';

// From the first seed: npm run simulate -- --controls
describe('a product that is broken on purpose is caught', () => {
  test.each(controls)('$scenario: $name', async (control) => {
    const caught = await catchControl(control, control.caughtBy ?? 1);
    expect(caught.seeds).toBeDefined();
  });

  test('every scenario has a control', () => {
    const covered = new Set(controls.map(({ scenario }) => scenario));
    expect([...covered].toSorted()).toEqual(scenarios.map(({ name }) => name).toSorted());
  });
});
