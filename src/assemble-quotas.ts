import type { AssembledStore } from './assemble-store.ts';
import type { Config } from './config.ts';
import { sealWriteIds } from './consistency/sealed-write-ids.ts';
import type { Store } from './consistency/store.ts';
import { Admission } from './quotas/admission.ts';
import { DemandExchange } from './quotas/demand-exchange.ts';
import { limitStore } from './quotas/limited-store.ts';
import { Room, showRoom } from './quotas/room.ts';
import { StoredSizes } from './quotas/stored-sizes.ts';
import { UsageReport } from './quotas/usage.ts';
import { postgresBoard } from './replica/postgres/postgres-board.ts';
import type { TenantBoard } from './replica/tenant-board.ts';
import type { TenantAdministration } from './tenancy/administration.ts';

/** What tenants may use, and what they do. */
export interface Quotas {
  readonly services: {
    readonly admission: Admission;
    /** The store behind what tenants may keep and ask for. */
    readonly store: Store;
    readonly usage: UsageReport;
  };
  close(): Promise<void>;
}

/** How much of a busy replica a tenant gets. The replicas are there before the tenants are known. */
export interface Weights {
  of: (tenant: string) => number;
}

/** Enough that one of them answers, and few enough that all gateways can look at the same ones. */
const boardsMax = 5;

/** The limits of one gateway, kept together with the others over the boards of the replicas. */
export function openQuotas(parts: {
  readonly config: Pick<Config, 'replicas' | 'timeouts' | 'limits'>;
  readonly assembled: AssembledStore;
  readonly tenants: TenantAdministration;
  readonly weights: Weights;
}): Quotas {
  const { assembled, tenants, config, weights } = parts;
  weights.of = (tenant) => tenants.tenants.quotaOf(tenant)?.weight ?? 1;
  const { clock, log, gatewayId } = assembled.deps;
  const boards = openBoards(config, assembled.deps);
  const { operationsAtOnce, heldBytes, answerBytes } = config.limits;
  const room = new Room({ operations: operationsAtOnce, bytes: heldBytes, answerBytes });
  showRoom(room, assembled.deps.metrics);
  const admission = new Admission({
    clock,
    room,
    quotaOf: (tenant) => tenants.tenants.quotaOf(tenant),
  });
  const exchange = new DemandExchange({
    clock,
    log,
    admission,
    boards: boards.slice(0, boardsMax),
    gateway: gatewayId,
  });
  const store = sealWriteIds(assembled.store, assembled.sealer);
  const sizes = new StoredSizes({ clock, log, store, boards });
  const exchanging = exchange.start();
  return {
    services: {
      admission,
      store: limitStore({ store, admission, sizes }),
      usage: new UsageReport({ clock, admission, exchange, sizes, store }),
    },
    async close() {
      exchanging.stop();
      await Promise.all(boards.map((board) => board.close()));
    },
  };
}

/** One a replica, in an order that is the same at every gateway. */
function openBoards(
  { replicas, timeouts }: Pick<Config, 'replicas' | 'timeouts'>,
  { clock, metrics }: Pick<AssembledStore['deps'], 'clock' | 'metrics'>,
): readonly TenantBoard[] {
  const { connectMs } = timeouts;
  return replicas
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, url }) => postgresBoard({ id, url, clock, metrics, connectMs }));
}
