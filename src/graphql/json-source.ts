/**
 * Finds values inside JSON text without reading them, so that what a client sent can be kept as it
 * was sent.
 *
 * `JSON.parse` loses 2^53+1, 1e400, -0, 1.0, members of one name and the order of members that look
 * like numbers. Here a value stays
 * a slice of the text. Every function expects text that `JSON.parse` has accepted; none of them
 * recurses, so depth costs no stack.
 */

/** A value's place in its text: from `start` up to, not including, `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A value inside a text. */
export interface JsonSource {
  readonly text: string;
  readonly span: Span;
}

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** The one value that a whole text is. */
export function wholeText(text: string): JsonSource {
  const start = skipSpace(text, 0);
  return { text, span: { start, end: skipValue(text, start) } };
}

/**
 * The member of an object at the end of `path`; undefined when something on the way is missing or
 * not an object.
 */
export function memberAt(source: JsonSource, path: readonly string[]): JsonSource | undefined {
  let found: JsonSource | undefined = source;
  for (const name of path) {
    const span: Span | undefined = found && members(found.text, found.span).get(name);
    found = span && { text: source.text, span };
  }
  return found;
}

/**
 * The members of an object by name; of members that share a name the last, as `JSON.parse` chooses.
 * Empty for anything else.
 */
export function members(text: string, span: Span): ReadonlyMap<string, Span> {
  const found = new Map<string, Span>();
  if (text.charCodeAt(span.start) !== openBrace) return found;
  let at = skipSpace(text, span.start + 1);
  while (text.charCodeAt(at) === quote) {
    const nameEnd = skipString(text, at);
    const name = JSON.parse(text.slice(at, nameEnd)) as string;
    at = skipSpace(text, nameEnd);
    assertAt(text, at, colon);
    const start = skipSpace(text, at + 1);
    const end = skipValue(text, start);
    found.set(name, { start, end });
    at = skipSpace(text, end);
    if (text.charCodeAt(at) === comma) at = skipSpace(text, at + 1);
  }
  assertAt(text, at, closeBrace);
  return found;
}

/** The elements of an array, in order. Empty for anything else. */
export function elements(text: string, span: Span): readonly Span[] {
  const found: Span[] = [];
  if (text.charCodeAt(span.start) !== openBracket) return found;
  let at = skipSpace(text, span.start + 1);
  while (text.charCodeAt(at) !== closeBracket) {
    const end = skipValue(text, at);
    found.push({ start: at, end });
    at = skipSpace(text, end);
    if (text.charCodeAt(at) === comma) at = skipSpace(text, at + 1);
  }
  return found;
}

/** How deep arrays and objects stand inside each other: 0 for a scalar, 1 for `[]`. */
export function nesting(text: string, span: Span): number {
  let depth = 0;
  let deepest = 0;
  for (let at = span.start; at < span.end; at++) {
    const char = text.charCodeAt(at);
    if (char === quote) at = skipString(text, at) - 1;
    else if (char === openBracket || char === openBrace) deepest = Math.max(deepest, ++depth);
    else if (char === closeBracket || char === closeBrace) depth--;
  }
  return deepest;
}

function skipValue(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first === quote) return skipString(text, start);
  if (first !== openBracket && first !== openBrace) return skipScalar(text, start);
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === quote) at = skipString(text, at) - 1;
    else if (char === openBracket || char === openBrace) depth++;
    else if ((char === closeBracket || char === closeBrace) && --depth === 0) return at + 1;
  }
  throw new Error('the text ends inside a value, although JSON.parse has accepted it');
}

function skipString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  if (end < 0)
    throw new Error('the text ends inside a string, although JSON.parse has accepted it');
  return end + 1;
}

/** Whether an odd number of backslashes stands before `at`. */
function isEscaped(text: string, at: number): boolean {
  let before = at - 1;
  while (text.charCodeAt(before) === backslash) before--;
  return (at - before) % 2 === 0;
}

function skipScalar(text: string, start: number): number {
  let at = start;
  while (at < text.length) {
    const char = text.charCodeAt(at);
    if (char === comma || char === closeBracket || char === closeBrace || isSpace(char)) break;
    at++;
  }
  return at;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

function isSpace(char: number): boolean {
  return char === 0x20 || char === 0x0a || char === 0x0d || char === 0x09;
}

function assertAt(text: string, at: number, expected: number): void {
  if (text.charCodeAt(at) === expected) return;
  throw new Error(
    `expected ${String.fromCharCode(expected)} at ${at}, although JSON.parse has accepted the text`,
  );
}
