import type { Scenario } from './scenario.ts';
import { availability } from './workloads/availability.ts';
import { causal } from './workloads/causal.ts';
import { changes, changesOfKeys } from './workloads/changes.ts';
import { linearizableDisks, quorumDisks } from './workloads/disks.ts';
import { handoff, outages, sloppy, strays } from './workloads/handoff.ts';
import { linearizableAlone } from './workloads/alone.ts';
import { linearizable } from './workloads/linearizable.ts';
import { mixed } from './workloads/mixed.ts';
import { oneLww } from './workloads/one-lww.ts';
import { oneSiblings } from './workloads/one-siblings.ts';
import { quorum } from './workloads/quorum.ts';
import { range } from './workloads/range.ts';
import { repair } from './workloads/repair.ts';
import { resolve, resolveLinearizable, resolveNewest } from './workloads/resolve.ts';
import { session } from './workloads/session.ts';

/** THE TABLE of scenarios: one for each row of the table of promises. */
export const scenarios: readonly Scenario[] = [
  oneSiblings,
  oneLww,
  repair,
  quorum,
  quorumDisks,
  handoff,
  sloppy,
  outages,
  strays,
  session,
  causal,
  linearizable,
  linearizableDisks,
  linearizableAlone,
  mixed,
  resolve,
  resolveLinearizable,
  resolveNewest,
  range,
  changes,
  changesOfKeys,
  availability,
];
