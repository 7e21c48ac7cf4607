import { ballotTimeUs } from '../causality/ballot.ts';
import { incarnationOf, PI, type Dot } from '../causality/dot.ts';
import type { SettlementTrace } from '../causality/outcomes.ts';
import { keptForMs } from './acceptor.ts';
import { isInLine } from './lineage.ts';

/** A version that some log names. */
export interface Witness {
  readonly dot: Dot;
  readonly writeId: string;
  readonly lineage?: readonly number[];
  readonly overtook?: readonly string[];
}

/** What one replica's log says, and how much that is worth. */
export interface Testimony {
  readonly incarnation: string;
  /** The log has everything since the write began. */
  readonly complete: boolean;
  readonly versions: readonly Witness[];
}

/**
 * - `SUPERSEDED`: it took place, and whoever replaced it had seen it (or it expired).
 * - `NEVER`: nobody who could be heard ever built on it.
 * - `missing`: the logs of these actors, or the versions of these ballots, would have to be read.
 */
export type Verdict =
  | { readonly kind: 'SUPERSEDED' | 'NEVER' }
  | {
      readonly kind: 'missing';
      readonly actors: readonly string[];
      readonly ballots: readonly number[];
    };

/**
 * What became of a write that was not there when it was condemned.
 *
 * That it is in no log proves nothing by itself: it may have been minted at a replica that cannot be
 * reached, read there, and replaced elsewhere by a writer who had seen it. But then that writer's
 * context covers its dot, and so does the state that it was condemned in:
 *
 * - An actor whose last seen event is older than the write has minted nothing for it that anybody
 *   has seen. Any other actor's own log tells, because a dot and its log row are one statement.
 * - A consensus version counts exactly when its ballot is in the line of that state. Every ballot
 *   of the line since the write began must be known to be of another write.
 *
 * Law: more testimony never turns one verdict into the other; so two who ask agree.
 */
export function verdictOf(
  write: { readonly writeId: string; readonly sinceUs: number },
  { seen, line }: SettlementTrace,
  testimonies: readonly Testimony[],
): Verdict {
  const versions = testimonies.flatMap((testimony) => testimony.versions);
  const whole = wholeLine(line, versions, write.sinceUs);
  const isOf = ({ writeId, overtook }: Witness): boolean =>
    writeId === write.writeId || overtook?.includes(write.writeId) === true;
  const wasSeen = ({ actor, counter }: Dot): boolean =>
    actor === PI ? isInLine(whole.line, counter) : (seen[actor] ?? 0) >= counter;
  if (versions.some((version) => isOf(version) && wasSeen(version.dot)))
    return { kind: 'SUPERSEDED' };
  const heard = new Set(
    testimonies.filter(({ complete }) => complete).map((one) => one.incarnation),
  );
  const actors = Object.entries(seen).flatMap(([actor, counter]) =>
    actor === PI || counter < write.sinceUs || heard.has(incarnationOf(actor)) ? [] : [actor],
  );
  const known = new Set(versions.flatMap(({ dot }) => (dot.actor === PI ? [dot.counter] : [])));
  const since = whole.line.filter((ballot) => ballot > 0 && !isBefore(ballot, write.sinceUs));
  const ballots = since.filter((ballot) => !known.has(ballot));
  // A line that breaks off goes on behind its last ballot, whose version would tell.
  const last = whole.line.at(-1) ?? 0;
  const unfinished = whole.isComplete || ballots.includes(Math.abs(last)) ? [] : [Math.abs(last)];
  const missing = [...ballots, ...unfinished];
  if (actors.length === 0 && missing.length === 0) return { kind: 'NEVER' };
  return { kind: 'missing', actors, ballots: missing };
}

/** The line, carried on behind its end by what the versions of its ballots follow themselves. */
function wholeLine(
  line: readonly number[],
  versions: readonly Witness[],
  sinceUs: number,
): { line: readonly number[]; isComplete: boolean } {
  const lineages = new Map(
    versions.flatMap(({ dot, lineage }) =>
      dot.actor === PI && lineage ? [[dot.counter, lineage] as const] : [],
    ),
  );
  const whole = [...line];
  const isComplete = (): boolean => {
    const last = whole.at(-1) ?? 0;
    return last === 0 || isBefore(last, sinceUs);
  };
  while (!isComplete()) {
    const lineage = lineages.get(Math.abs(whole.at(-1) ?? 0));
    if (!lineage || lineage.length === 0) break;
    whole.push(...lineage);
  }
  return { line: whole, isComplete: isComplete() };
}

/**
 * Whether a ballot is too old for a write that began at `timeUs`. They are issued in whole
 * milliseconds, and may be used a while after they were.
 */
function isBefore(ballot: number, timeUs: number): boolean {
  return ballotTimeUs(Math.abs(ballot)) < (Math.floor(timeUs / 1_000) - keptForMs) * 1_000;
}
