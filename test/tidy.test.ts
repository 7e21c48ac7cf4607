import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { buildSchema, isEnumType } from 'graphql';
import { levels } from '../src/consistency/levels.ts';
import { plantedViolations, tidyHouse } from './fixtures/tidy-violations.ts';
import { rules, violations } from './tidy/rules.ts';
import type { House } from './tidy/source.ts';

const top = new URL('../', import.meta.url);
const textOf = (path: string): string => readFileSync(new URL(path, top), 'utf8');

function houseAsItStands(): House {
  const paths = readdirSync(new URL('src/', top), { recursive: true, encoding: 'utf8' });
  const files = paths.map((path) => `src/${path}`).filter((path) => path.endsWith('.ts'));
  return Object.fromEntries(files.map((path) => [path, textOf(path)]));
}

describe('the house is tidy', () => {
  const house = houseAsItStands();
  const found = violations(house);

  test('the whole of src is looked at', () => {
    expect(Object.keys(house)).toContain('src/causality/cell.ts');
    expect(Object.keys(house).length).toBeGreaterThan(20);
  });

  test.each(Object.keys(rules))('%s', (rule) => {
    const here = found.filter((violation) => violation.rule === rule);
    expect(here.map(({ path, line, message }) => `${path}:${line} ${message}`)).toEqual([]);
  });

  test('the levels of the schema are the rows of the table of levels', () => {
    const named = buildSchema(textOf('schema.graphql')).getType('ConsistencyLevel');
    const values = isEnumType(named) ? named.getValues().map(({ name }) => name) : [];
    expect(values.toSorted()).toEqual(Object.keys(levels).toSorted());
  });
});

describe('the rules can fail', () => {
  test('every rule has a planted violation', () => {
    const planted = new Set(plantedViolations.map(({ rule }) => rule));
    expect([...planted].toSorted()).toEqual(Object.keys(rules).toSorted());
  });

  test.each(plantedViolations)(
    '"$rule" catches $what, and no other rule does',
    ({ rule, house }) => {
      const caughtBy = new Set(violations(house).map((violation) => violation.rule));
      expect([...caughtBy]).toEqual([rule]);
    },
  );

  test('nothing is found where all is well, however much it looks like a violation', () => {
    expect(violations(tidyHouse)).toEqual([]);
  });
});
