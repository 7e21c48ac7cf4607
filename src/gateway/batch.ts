import { elements, memberAt, wholeText, type JsonSource } from '../graphql/json-source.ts';

/** Where an operation of a batch has its variables in the body's text. */
const places = new WeakMap<object, { readonly variables: JsonSource | undefined }>();

/**
 * Notes where each operation of a batch stands in the body, so that its values are taken letter by
 * letter, as those of a single operation are.
 */
export function noteBatch(body: string, operations: readonly unknown[]): void {
  const { text, span } = wholeText(body);
  elements(text, span).forEach((own, index) => {
    const operation = operations[index];
    if (typeof operation !== 'object' || operation === null) return;
    places.set(operation, { variables: memberAt({ text, span: own }, ['variables']) });
  });
}

/** The place of an operation that came in a batch; undefined for one that came alone. */
export function placeInBatch(
  operation: object,
): { readonly variables: JsonSource | undefined } | undefined {
  return places.get(operation);
}

/** `to` stands for the operation from now on. */
export function standsFor(to: object, from: object): void {
  const place = places.get(from);
  if (place) places.set(to, place);
}
