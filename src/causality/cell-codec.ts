import { hash } from 'node:crypto';
import { emptyCell, type Cell, type Dependency, type Sibling } from './cell.ts';
import { decodeOutcomes, encodeOutcomes } from './outcomes.ts';
import { decodeVector, encodeVector } from './version-vector.ts';

/**
 * A cell as two texts, both valid JSON that a person can read in psql: its siblings and its
 * context.
 *
 * Every sibling says how many UTF-16 units its value has, and the value comes last, so that
 * decoding cuts the value out as it was sent and never parses it.
 */
export interface CellText {
  readonly siblings: string;
  readonly context: string;
  /** '' for none. */
  readonly outcomes?: string;
}

interface SiblingHeader {
  readonly dot: readonly [actor: string, counter: number];
  readonly writeId: string;
  readonly at: string;
  readonly atUs: number;
  readonly expiresAtMs?: number;
  readonly after?: readonly Dependency[];
  readonly afterQuorum?: true;
  readonly lineage?: readonly number[];
  readonly past?: Readonly<Record<string, number>>;
  readonly replaces?: readonly string[];
  readonly overtook?: readonly string[];
  readonly earlier?: readonly (readonly [actor: string, counter: number])[];
  readonly deleted?: true;
  readonly chars?: number;
}

const valueMark = ',"value":';
/**
 * Where a value starts for a header that carries dependencies: their keys may contain the mark, so
 * their length is told first.
 */
const headerLength = /^\{"header":(\d+),/;

/** A cell is a value that goes to N replicas: what it is as text is told once. */
const texts = new WeakMap<Cell, Required<CellText>>();
const digests = new WeakMap<Cell, bigint>();

export function encodeCell(cell: Cell): Required<CellText> {
  const known = texts.get(cell);
  if (known) return known;
  const text = {
    siblings: `[${cell.siblings.map(encodeSibling).join(',')}]`,
    context: encodeVector(cell.context),
    outcomes: encodeOutcomes(cell.outcomes),
  };
  texts.set(cell, text);
  return text;
}

/** What a cell weighs where it is stored: the bytes of its texts. */
export function storedBytes(cell: Cell): number {
  const { siblings, context, outcomes } = encodeCell(cell);
  return Buffer.byteLength(siblings) + Buffer.byteLength(context) + Buffer.byteLength(outcomes);
}

export function decodeCell(text: CellText): Cell {
  const context = decodeVector(text.context);
  if (context.size === 0) return emptyCell;
  const outcomes = text.outcomes ? { outcomes: decodeOutcomes(text.outcomes) } : {};
  return { siblings: decodeSiblings(text.siblings), context, ...outcomes };
}

/**
 * 64 bits that name the state of a cell: equal digests mean equal states. Zero for the absent cell.
 *
 * A dot names its content once and for all, so dots, tombstone marks and expiry times say
 * everything; values are not hashed. Outcomes are, where there are any: one may be all that is left of
 * a version that lost. Expiry enters as the time that was set, never as "has it
 * passed", so that a hash does not change by waiting.
 */
export function digestOf(cell: Cell): bigint {
  if (cell.context.size === 0) return 0n;
  const known = digests.get(cell);
  if (known !== undefined) return known;
  const siblings = cell.siblings.map(
    ({ dot, value, expiresAtMs }) =>
      `${dot.actor}:${dot.counter}:${value === null ? 'x' : ''}${expiresAtMs ?? ''}`,
  );
  const digest = hash(
    'sha1',
    `${siblings.join(',')}|${encodeVector(cell.context)}${encodeOutcomes(cell.outcomes)}`,
    'buffer',
  ).readBigInt64BE(0);
  const named = digest === 0n ? 1n : digest;
  digests.set(cell, named);
  return named;
}

function encodeSibling(sibling: Sibling): string {
  const header: SiblingHeader = {
    dot: [sibling.dot.actor, sibling.dot.counter],
    writeId: sibling.writeId,
    at: new Date(sibling.writtenAtUs / 1000).toISOString(),
    atUs: sibling.writtenAtUs,
    ...(sibling.expiresAtMs === undefined ? {} : { expiresAtMs: sibling.expiresAtMs }),
    ...(sibling.dependencies?.length ? { after: sibling.dependencies } : {}),
    ...(sibling.dependsOnQuorum ? { afterQuorum: true as const } : {}),
    ...(sibling.lineage ? { lineage: sibling.lineage } : {}),
    ...(sibling.past?.size ? { past: Object.fromEntries(sibling.past) } : {}),
    ...(sibling.replaces?.length ? { replaces: sibling.replaces } : {}),
    ...(sibling.overtook ? { overtook: sibling.overtook } : {}),
    ...(sibling.earlier
      ? { earlier: sibling.earlier.map(({ actor, counter }) => [actor, counter] as const) }
      : {}),
    ...(sibling.value === null ? { deleted: true as const } : { chars: sibling.value.length }),
  };
  const text = JSON.stringify(header).slice(1, -1);
  return `{"header":${text.length},${text}${valueMark}${sibling.value ?? 'null'}}`;
}

/**
 * A header that says nothing but what every version has; its value begins where it ends. Nearly all are
 * like this, and to take the parts out of one costs a third of parsing it.
 */
const plainHeader =
  /\{"header":\d+,"dot":\["([^"\\]+)",(\d+)\],"writeId":"([^"\\]+)","at":"[^"]+","atUs":(\d+),"chars":(\d+),"value":/y;

function decodeSiblings(text: string): Sibling[] {
  const siblings: Sibling[] = [];
  for (let at = 1; at < text.length - 1;) {
    const [sibling, end] = plainSibling(text, at) ?? siblingAt(text, at);
    siblings.push(sibling);
    at = end + 2; // past "}" and "," (or the closing "]")
  }
  return siblings;
}

function plainSibling(text: string, at: number): [Sibling, end: number] | undefined {
  plainHeader.lastIndex = at;
  const found = plainHeader.exec(text);
  if (!found) return undefined;
  const [header, actor = '', counter, writeId = '', atUs, chars] = found;
  const end = at + header.length + Number(chars);
  return [
    {
      dot: { actor, counter: Number(counter) },
      writeId,
      writtenAtUs: Number(atUs),
      value: text.slice(at + header.length, end),
    },
    end,
  ];
}

function siblingAt(text: string, at: number): [Sibling, end: number] {
  const prefix = headerLength.exec(text.slice(at, at + 24));
  if (!prefix) throw new Error(`a stored cell is not readable at character ${at}`);
  const start = at + prefix[0].length;
  const end = start + Number(prefix[1]);
  const header = JSON.parse(`{${text.slice(start, end)}}`) as SiblingHeader;
  const valueAt = end + valueMark.length;
  const valueEnd = valueAt + (header.chars ?? 'null'.length);
  return [siblingOf(header, header.deleted ? null : text.slice(valueAt, valueEnd)), valueEnd];
}

function siblingOf(header: SiblingHeader, value: string | null): Sibling {
  const [actor, counter] = header.dot;
  return {
    dot: { actor, counter },
    writeId: header.writeId,
    writtenAtUs: header.atUs,
    value,
    ...(header.expiresAtMs === undefined ? {} : { expiresAtMs: header.expiresAtMs }),
    ...(header.after === undefined ? {} : { dependencies: header.after }),
    ...(header.afterQuorum ? { dependsOnQuorum: true as const } : {}),
    ...(header.lineage ? { lineage: header.lineage } : {}),
    ...(header.past ? { past: new Map(Object.entries(header.past)) } : {}),
    ...(header.replaces ? { replaces: header.replaces } : {}),
    ...(header.overtook ? { overtook: header.overtook } : {}),
    ...(header.earlier
      ? { earlier: header.earlier.map(([by, count]) => ({ actor: by, counter: count })) }
      : {}),
  };
}
