import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeCell, digestOf, encodeCell } from '../../src/causality/cell-codec.ts';
import { emptyCell, type Cell, type Sibling } from '../../src/causality/cell.ts';
import { compareDots } from '../../src/causality/dot.ts';
import { histories } from '../causality/histories.ts';

/** Texts that a careless parser takes for the end of a value, for a header, or for another value. */
const nasty = [
  '"a\\"b"',
  '{"}":"{"}',
  '[[]]',
  '"],\\"value\\":[{\\"header\\":3,"',
  '{"x":1,"value":2,"value":3}',
  '{"a":1}\n\t ',
  ' \r\n{ "spaced" : [ 1 ,2 ] } ',
  '"\u2028\u2029"',
  '"😀 \ud83d\ude00 \\ud83d"',
  '"\\u0000"',
  '9007199254740993',
  '1e400',
  '-0',
  'null',
  '""',
] as const;

const wellFormed = fc.string({ unit: 'binary', maxLength: 12 });
const values = fc.oneof(
  fc.constantFrom(...nasty),
  fc.json(),
  wellFormed.map((string) => JSON.stringify(string)),
);

const dots = fc.record({
  actor: fc.constantFrom('6f1c3a52-0000-4000-8000-000000000001', 'b', 'pi'),
  counter: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
});

const dependencies = fc.array(
  fc.record({
    keyspace: fc.constantFrom('carts', 'carts@2'),
    key: fc.oneof(wellFormed, fc.constantFrom(',"value":', '"}],"value":"', '{"header":9,')),
    dots: fc.array(
      dots.map(({ actor, counter }): readonly [string, number] => [actor, counter]),
      { maxLength: 2 },
    ),
  }),
  { minLength: 1, maxLength: 3 },
);

const siblings: fc.Arbitrary<Sibling> = fc
  .record({
    dot: dots,
    writeId: fc.uuid(),
    writtenAtUs: fc.integer({ min: 0, max: 4_000_000_000_000_000 }),
    value: fc.option(values),
    expiresAtMs: fc.option(fc.nat(), { nil: undefined }),
    dependencies: fc.option(dependencies, { nil: undefined }),
  })
  .map(({ expiresAtMs, dependencies, ...rest }) => ({
    ...rest,
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    ...(dependencies === undefined ? {} : { dependencies }),
  }));

const cells: fc.Arbitrary<Cell> = fc
  .uniqueArray(siblings, {
    minLength: 1,
    maxLength: 4,
    selector: ({ dot }) => `${dot.actor}:${dot.counter}`,
  })
  .map((list) => ({
    siblings: list.toSorted((a, b) => compareDots(a.dot, b.dot)),
    context: new Map(
      list
        .toSorted((a, b) => a.dot.counter - b.dot.counter)
        .map(({ dot }) => [dot.actor, dot.counter]),
    ),
  }));

describe('the stored form of a cell', () => {
  test('gives back every version as it was, values to the last character', () => {
    fc.assert(
      fc.property(cells, (cell) => expect(decodeCell(encodeCell(cell))).toEqual(cell)),
      { numRuns: 1_000 },
    );
  });

  test.each(nasty)('gives back the value %j between two others', (value) => {
    const version = (counter: number, text: string): Sibling => {
      return { dot: { actor: 'a', counter }, writeId: `w${counter}`, writtenAtUs: 1, value: text };
    };
    const cell: Cell = {
      siblings: [version(1, '",\\"value\\":"'), version(2, value), version(3, '[1]')],
      context: new Map([['a', 3]]),
    };
    expect(decodeCell(encodeCell(cell))).toEqual(cell);
  });

  test('is JSON in both columns, with the value as JSON inside it', () => {
    fc.assert(
      fc.property(cells, (cell) => {
        const { siblings: text, context } = encodeCell(cell);
        const rows = JSON.parse(text) as { value: unknown; dot: unknown; deleted?: true }[];
        expect(rows.map(({ dot }) => dot)).toEqual(
          cell.siblings.map(({ dot }) => [dot.actor, dot.counter]),
        );
        expect(rows.map(({ value }) => value)).toEqual(
          cell.siblings.map(({ value }) => JSON.parse(value ?? 'null') as unknown),
        );
        expect(JSON.parse(context)).toEqual(Object.fromEntries(cell.context));
      }),
      { numRuns: 300 },
    );
  });

  test('keeps the digest, so that a replica and a gateway name a state alike', () => {
    fc.assert(
      fc.property(histories, ({ states }) => {
        for (const { cell } of states) {
          expect(digestOf(decodeCell(encodeCell(cell)))).toBe(digestOf(cell));
        }
      }),
      { numRuns: 100 },
    );
  });

  test('of the absent cell is the absent cell', () => {
    expect(encodeCell(emptyCell)).toMatchObject({ siblings: '[]', context: '{}' });
    expect(decodeCell(encodeCell(emptyCell))).toEqual(emptyCell);
  });

  test('is refused where it is damaged, instead of being read as something else', () => {
    expect(() => decodeCell({ siblings: '[{"dot":["a",1]}]', context: '{"a":1}' })).toThrow();
  });
});
