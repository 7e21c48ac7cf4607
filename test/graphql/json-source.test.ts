import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { elements, memberAt, members, nesting, wholeText } from '../../src/graphql/json-source.ts';

/** JSON text as people and programs write it: any spacing, any value. */
const spaced = fc
  .tuple(fc.jsonValue(), fc.integer({ min: 0, max: 4 }))
  .map(([value, indent]) => JSON.stringify(value, null, indent));

test('an object is cut into the texts of its members, whatever stands in them', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), spaced)), (pairs) => {
      const text = ` {${pairs.map(([name, value]) => `${JSON.stringify(name)} : ${value}\n`).join(',')}}`;
      const { span } = wholeText(text);
      const found = [...members(text, span)].map(([name, at]) => [
        name,
        text.slice(at.start, at.end),
      ]);
      expect(found).toEqual([...new Map(pairs)]);
    }),
  );
});

test('an array is cut into the texts of its elements', () => {
  fc.assert(
    fc.property(fc.array(spaced), (values) => {
      const text = `[ ${values.join(' ,\t')}]`;
      const found = elements(text, wholeText(text).span).map(({ start, end }) =>
        text.slice(start, end),
      );
      expect(found).toEqual(values);
    }),
  );
});

test('a member is found by its path, and its text is what was written there', () => {
  const text = '{"query":"{\\"a\\"}", "variables" : {"v": {"b":1.0, "a": [1e400,-0]} } }';
  const found = memberAt(wholeText(text), ['variables', 'v']);
  expect(found && text.slice(found.span.start, found.span.end)).toBe('{"b":1.0, "a": [1e400,-0]}');
  expect(memberAt(wholeText(text), ['variables', 'w'])).toBeUndefined();
  expect(memberAt(wholeText(text), ['query', 'length'])).toBeUndefined();
});

test('of members that share a name the last is found, as JSON.parse finds it, also for names that objects have', () => {
  const text = '{"a":1,"__proto__":2,"toString":3,"\\u0061":4}';
  const found = members(text, wholeText(text).span);
  expect([...found.keys()]).toEqual(['a', '__proto__', 'toString']);
  expect(text.slice(found.get('a')?.start, found.get('a')?.end)).toBe('4');
});

test('nesting is counted outside of strings only, and does not recurse', () => {
  const depthOf = (text: string): number => nesting(text, wholeText(text).span);
  expect(['1', '"[[["', '[]', '[{"a":[]}]', '[[],[[]]]'].map(depthOf)).toEqual([0, 0, 1, 3, 3]);
  const deep = 400_000;
  expect(depthOf('['.repeat(deep) + ']'.repeat(deep))).toBe(deep);
});
