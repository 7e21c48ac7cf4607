import type { BoardNote } from '../replica/tenant-board.ts';
import type { CountName, RateName } from './account.ts';

/** What one gateway says of one tenant. */
export type Told = Readonly<Record<CountName | RateName | 'requests' | 'refused', number>>;

const order: readonly (keyof Told)[] = [
  'requestsPerSecond',
  'costPerSecond',
  'concurrentRequests',
  'sockets',
  'subscriptions',
  'requests',
  'refused',
];

/** As it stands on the board: a list, with how many times this gateway has spoken in front. */
export function encodeNote(nth: number, told: Told): string {
  return JSON.stringify([nth, ...order.map((name) => told[name])]);
}

/** What it says; a number that an earlier or later version does not write is 0. */
export function decodeNote(text: string): Told {
  const [, ...numbers] = numbersIn(text);
  return Object.fromEntries(order.map((name, nth) => [name, numbers[nth] ?? 0])) as unknown as Told;
}

/** Of what several boards hold of one gateway and tenant, what was said last. */
export function latestNotes(notes: readonly BoardNote[]): readonly BoardNote[] {
  const latest = new Map<string, BoardNote>();
  for (const note of notes) {
    const name = `${note.tenant}\0${note.gateway}`;
    const other = latest.get(name);
    const nth = (one: BoardNote): number => numbersIn(one.told)[0] ?? 0;
    if (!other || nth(note) > nth(other)) latest.set(name, note);
  }
  return [...latest.values()];
}

/** Only finite numbers from 0 on: a board that somebody wrote on must not lift a limit. */
function numbersIn(text: string): readonly number[] {
  try {
    const list = JSON.parse(text) as unknown;
    if (!Array.isArray(list)) return [];
    return list.map((one) => (typeof one === 'number' && one >= 0 ? one : 0));
  } catch {
    return [];
  }
}
