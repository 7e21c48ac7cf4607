import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RawJson, stringifyResult } from '../../src/graphql/raw-json.ts';

test('texts come out as they went in, each in its own place', () => {
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue().map((value) => JSON.stringify(value, null, 1))),
      (texts) => {
        const printed = stringifyResult({
          list: texts.map((text) => ({ key: text, value: new RawJson(text) })),
        });
        const expected = texts
          .map((text) => `{"key":${JSON.stringify(text)},"value":${text}}`)
          .join(',');
        expect(printed).toBe(`{"list":[${expected}]}`);
      },
    ),
  );
});

test('a raw value is never printed by anything else: it would come out as a string', () => {
  expect(() => JSON.stringify({ value: new RawJson('1') })).toThrow('stringifyResult');
});

test('replacement patterns in a text are only text', () => {
  expect(stringifyResult([new RawJson(`"$& $1 $'"`)])).toBe(`["$& $1 $'"]`);
});
