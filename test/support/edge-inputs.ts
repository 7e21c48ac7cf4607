/** One input of the table "Inputs" of docs/security.md: an operation, sent over both transports. */
export interface EdgeInput {
  readonly query: string;
  /** As text: not every variable of these survives `JSON.stringify`. */
  readonly variables?: string;
}

/** What inputs are made of that only a running gateway can give out. */
export interface Strings {
  readonly context: string;
  readonly session: string;
  readonly cursor: string;
  /** The same of another tenant. */
  readonly foreign: { readonly context: string; readonly session: string; readonly cursor: string };
  /** Signed with a key that the gateway does not have any more. */
  readonly retired: string;
}

const putting =
  'mutation($k: String! = "k", $v: JSON! = 1, $c: CausalContext) { put(keyspace: "demo", key: $k, value: $v, context: $c) { entry { current { value } } } }';
const reading = (of: string): string => `{ get(keyspace: "demo", key: "k", ${of}) { session } }`;
const ranging = (of: string): string => `{ range(keyspace: "demo", ${of}) { session } }`;
const putKey = (key: string): EdgeInput => ({ query: putting, variables: `{"k":${key}}` });
const putValue = (value: string): EdgeInput => ({ query: putting, variables: `{"v":${value}}` });
const putAfter = (context: string, key = 'k'): EdgeInput => ({
  query: putting,
  variables: JSON.stringify({ k: key, c: context }),
});

const repeated = (count: number, part: (nth: number) => string, by = ' '): string =>
  Array.from({ length: count }, (_, nth) => part(nth)).join(by);
const aliases = (count: number): EdgeInput => ({
  query: `{${repeated(count, (nth) => `a${nth}:keyspaces{name}`)}}`,
});
/** A chain of fragments, each of which spreads the next one twice. */
const chain = (length: number): EdgeInput => ({
  query: `{__type(name:"Query"){...f0}}${repeated(
    length,
    (nth) => `fragment f${nth} on __Type{a:ofType{...f${nth + 1}}b:ofType{...f${nth + 1}}}`,
  )}fragment f${length} on __Type{name}`,
});
const nested = (levels: number): EdgeInput => ({
  query: `{${'...on Query{'.repeat(levels)}keyspaces{name}${'}'.repeat(levels)}}`,
});

/** Documents that are small and mean much, or are as large as they may be. */
export const documents: Readonly<Record<string, EdgeInput>> = {
  '20,000 aliases': aliases(20_000),
  '500 aliases': aliases(500),
  'a kilobyte of fragments that means 2^25 fields': chain(25),
  'fragments that mean 2^12 fields': chain(12),
  '190 inline fragments inside each other': nested(190),
  '5,000 inline fragments inside each other': nested(5_000),
  'fragments in a circle': {
    query: '{...a} fragment a on Query{...b} fragment b on Query{...a}',
  },
  '900 fields of one name': { query: `{__schema{types{${'name '.repeat(900)}}}}` },
  '990 times the same field': { query: `{${'__typename '.repeat(990)}}` },
  '240 variables that nobody uses': {
    query: `query(${repeated(240, (nth) => `$v${nth}:Int`)}){__typename}`,
  },
  '160 inline fragments beside each other': {
    query: `{${'...on Query{__typename}'.repeat(160)}}`,
  },
};

const half = 'x'.repeat(131_071);

export const keysAndValues: Readonly<Record<string, EdgeInput>> = {
  'the empty key': putKey('""'),
  'a key of 1,024 bytes': putKey(`"${'k'.repeat(1_024)}"`),
  'a key of 1,025 bytes': putKey(`"${'k'.repeat(1_025)}"`),
  'a key of 513 characters and 1,026 bytes': putKey(`"${'é'.repeat(513)}"`),
  'a key with NUL': putKey('"a\\u0000b"'),
  'a key with half a surrogate pair': putKey('"a\\ud800"'),
  'the key `%`': putKey('"%"'),
  'the key `__proto__`': putKey('"__proto__"'),
  'the key `then`': putKey('"then"'),
  'the keyspace `__proto__`': { query: reading('').replace('"demo"', '"__proto__"') },
  'the keyspace `constructor`': { query: reading('').replace('"demo"', '"constructor"') },
  'the variable `__proto__`': {
    query: 'query($__proto__: String!) { get(keyspace: "demo", key: $__proto__) { session } }',
    variables: '{"__proto__":"k"}',
  },
  'no value': { query: putting.replace('JSON! = 1', 'JSON!') },
  'the value `null`': putValue('null'),
  'the value `""`': putValue('""'),
  'a value of 262,144 bytes': putValue(`"${half}${half}"`),
  'a value of 262,145 bytes': putValue(`"${half}${half}x"`),
  'a value of 500 levels': putValue(`${'['.repeat(500)}1${']'.repeat(500)}`),
  'a value of 501 levels': putValue(`${'['.repeat(501)}1${']'.repeat(501)}`),
  'a value of 100,000 levels': putValue(`${'['.repeat(100_000)}1${']'.repeat(100_000)}`),
  'the value `1e400`': putValue('1e400'),
  'the value `-0`': putValue('-0'),
  'the value 2^53+1': putValue('9007199254740993'),
  'a value with one member twice': putValue('{"a":1,"a":2}'),
  'a value with `__proto__` and `constructor`': putValue('{"__proto__":{"a":1},"constructor":1}'),
  'a value with `toJSON` and `then`': putValue('{"toJSON":1,"then":2,"toString":3}'),
};

export const ranges: Readonly<Record<string, EdgeInput>> = {
  'bounds the wrong way round': { query: ranging('from: "b", to: "a"') },
  'bounds with nothing between': { query: ranging('from: "a", to: "a"') },
  'the prefix `%`': { query: ranging('prefix: "%"') },
  'the prefix `_\\`': { query: ranging('prefix: "_\\\\"') },
  'a page of 0': { query: ranging('first: 0') },
  'a page of -1': { query: ranging('first: -1') },
  'a page of 1,001': { query: ranging('first: 1001') },
  'a page of 2^31': { query: ranging('first: 2147483648') },
  '501 keys at once': {
    query: 'query($k: [String!]!) { getMany(keyspace: "demo", keys: $k) { session } }',
    variables: JSON.stringify({ k: Array.from({ length: 501 }, String) }),
  },
};

export function opaqueStrings(of: Strings): Readonly<Record<string, EdgeInput>> {
  const session = (text: string): EdgeInput => ({ query: reading(`session: "${text}"`) });
  const cursor = (text: string): EdgeInput => ({ query: ranging(`after: "${text}"`) });
  const cut = (text: string): string => text.slice(0, -4);
  return {
    'a context as it was given out': putAfter(of.context),
    'a context of another tenant': putAfter(of.foreign.context),
    'a context of another key': putAfter(of.context, 'other'),
    'a context that is cut': putAfter(cut(of.context)),
    'a context with a bit changed': putAfter(flipped(of.context)),
    'a context of 100,000 letters': putAfter('A'.repeat(100_000)),
    'a context signed with a retired key, with counters of 2^52': putAfter(of.retired),
    'a session token of another tenant': session(of.foreign.session),
    'a session token that is cut': session(cut(of.session)),
    'a session token with a bit changed': session(flipped(of.session)),
    'a cursor of another tenant': cursor(of.foreign.cursor),
    'a cursor that is cut': cursor(cut(of.cursor)),
    'a cursor with a bit changed': cursor(flipped(of.cursor)),
  };
}

/** Of base64url the last letter may stand for bits that are not used; the one in the middle does not. */
function flipped(text: string): string {
  const at = text.length >> 1;
  return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
}
