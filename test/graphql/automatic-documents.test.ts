import { expect, test } from '@jest/globals';
import { AutomaticDocuments } from '../../src/graphql/automatic-documents.ts';

const text = 'x'.repeat(100); // 456 bytes with its entry
const limits = { documentsPerTenant: 3, bytesPerTenant: 2_000, bytes: 4_000 };

test('a tenant keeps so many documents, those that it used last', () => {
  const kept = new AutomaticDocuments(limits);
  for (const hash of ['a', 'b', 'c']) kept.keep('shop', hash, text);
  kept.find('shop', 'a');
  kept.keep('shop', 'd', text);
  expect(['a', 'b', 'c', 'd'].map((hash) => kept.find('shop', hash) === text)).toEqual([
    true,
    false,
    true,
    true,
  ]);
});

test('a tenant keeps so many bytes; a document that is more than that is not kept', () => {
  const kept = new AutomaticDocuments(limits);
  kept.keep('shop', 'small', text);
  kept.keep('shop', 'large', 'x'.repeat(860));
  expect([kept.find('shop', 'small'), kept.find('shop', 'large')?.length]).toEqual([
    undefined,
    860,
  ]);
  kept.keep('shop', 'huge', 'x'.repeat(1_000));
  expect([kept.find('shop', 'huge'), kept.find('shop', 'large')?.length]).toEqual([undefined, 860]);
});

// The guard: the fullest shelf gives way, not the one used longest ago.
test('a tenant who floods loses his own documents, and nobody else any; nobody sees another’s', () => {
  const kept = new AutomaticDocuments({
    ...limits,
    documentsPerTenant: 1_000,
    bytesPerTenant: 4_000,
  });
  kept.keep('quiet', 'q', text);
  for (let i = 0; i < 1_000; i++) kept.keep('loud', `hash${i}`, text);
  expect(kept.find('quiet', 'q')).toBe(text);
  expect(kept.find('loud', 'hash999')).toBe(text);
  expect(kept.find('loud', 'hash0')).toBeUndefined();
  expect([kept.find('loud', 'q'), kept.find('quiet', 'hash999')]).toEqual([undefined, undefined]);
});
