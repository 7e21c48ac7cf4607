import type { ReplicaIdentity, RepairCause, ReplicaStanding, Witness } from '../register.ts';
import { ReplicaError } from '../replica.ts';

type Row = readonly unknown[];

/** The row of `identify`, which was read at `nowMs` of our clock. */
export function identityOf(row: Row | undefined, nowMs: number): ReplicaIdentity {
  if (!row) throw new ReplicaError('REFUSED', 'the database has lost its replica identity', false);
  const [incarnation, serverMs, standing, standingMs, cause, cluster, name, ...rest] = row;
  const [fence, nextXid, boot, server, timeline, recordedServer, recordedTimeline] = rest;
  return {
    incarnation: String(incarnation),
    clockOffsetMs: Number(serverMs) - nowMs,
    standing: standing as ReplicaStanding,
    standingMs: Number(standingMs),
    cause: cause as RepairCause | '',
    cluster: typeof cluster === 'string' ? cluster : undefined,
    name: typeof name === 'string' ? name : undefined,
    fence: Number(fence),
    nextXid: BigInt(String(nextXid)),
    boot: `${String(server)} ${String(boot)}`,
    place: { server: String(server), timeline: Number(timeline) },
    recordedPlace: { server: String(recordedServer), timeline: Number(recordedTimeline) },
  };
}

export function witnessOf(row: Row): Witness {
  const [replica, incarnation, fence, xid, server, timeline] = row;
  return {
    replica: String(replica),
    incarnation: String(incarnation),
    fence: Number(fence),
    xid: BigInt(String(xid)),
    server: String(server),
    timeline: Number(timeline),
  };
}
