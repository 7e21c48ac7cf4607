import type { Place, ReplicaIdentity, Witness } from '../replica/register.ts';
import { WrongDatabase } from '../replica/wrong-database.ts';

/**
 * Why a database may lack something that it had acknowledged; undefined when it may not.
 *
 * - It is where it was not: another Postgres, or another timeline of it. A standby that was promoted
 *   may have missed the last commits; a dump, or a backup restored to a point in time, has.
 * - Its fence has gone back: gateways have seen it later than it is now.
 * - Transactions that it had acknowledged are still to come.
 *
 * A database that lost its last commits in a crash, because they were not synchronous, is one of the
 * last kind: what is compared are transactions whose effect was acknowledged, and those only.
 */
export function whyBehind(found: ReplicaIdentity, seen: Witness | undefined): string | undefined {
  const moved = movedFrom(found.recordedPlace, found.place);
  if (moved !== undefined) return moved;
  if (!seen) return undefined;
  if (seen.fence > found.fence) return 'it is an older copy: its fence has gone back';
  if (seen.incarnation !== found.incarnation)
    return seen.fence === found.fence
      ? 'it is another branch of the same history than the one that was seen last'
      : undefined;
  if (seen.xid >= found.nextXid)
    return 'it has lost transactions that it had acknowledged: it is an older copy, or its last commits were not on disk';
  return movedFrom(seen, found.place);
}

/** What a role may not ask for is not compared. */
function movedFrom(before: Place, now: Place): string | undefined {
  if (before.server !== '' && now.server !== '' && before.server !== now.server)
    return 'it is in another Postgres than it was';
  if (before.timeline > 0 && now.timeline > 0 && before.timeline !== now.timeline)
    return 'it is on another timeline: a standby was promoted, or a backup restored to a point in time';
  return undefined;
}

/** One replica of the configuration, and who was last found under its URL. */
export interface FoundReplica {
  readonly id: string;
  readonly found: ReplicaIdentity | undefined;
}

/**
 * Refuses a database that does not belong under the URL where it was found. `cluster` is the one that
 * this gateway serves already, if it does. Throws WrongDatabase, with one sentence for an operator.
 */
export function refuseWrongDatabase(
  { id, found }: { readonly id: string; readonly found: ReplicaIdentity },
  others: readonly FoundReplica[],
  cluster: string | undefined,
): void {
  const twin = others.find((other) => other.found?.incarnation === found.incarnation);
  const isSame = twin?.found?.boot === found.boot;
  // Of two URLs of one database the one that it is named after is right.
  if (twin && !(isSame && found.name === id)) {
    throw new WrongDatabase(
      isSame
        ? `Replicas "${twin.id}" and "${id}" are the same database: every replica needs one of its own.`
        : `The database of replica "${id}" is a copy of that of replica "${twin.id}": every replica needs one of its own.`,
    );
  }
  if (found.standing === 'new') return;
  const other = others.find(
    (one) => one.found && one.found.standing !== 'new' && one.found.cluster !== found.cluster,
  );
  if (cluster !== undefined ? found.cluster !== cluster : other !== undefined) {
    const whose = cluster === undefined && other ? `that of replica "${other.id}"` : 'this one';
    throw new WrongDatabase(
      `The database of replica "${id}" belongs to another cluster than ${whose}: check its URL.`,
    );
  }
  if (found.name !== id)
    throw new WrongDatabase(
      `The URL of replica "${id}" leads to the database of replica "${String(found.name)}": check whether URLs were swapped, or an id was changed.`,
    );
}
