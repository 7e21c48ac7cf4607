import type { CallOptions } from './cell-ref.ts';

/**
 * The TenantBoard role of a replica: where gateways leave word about tenants for each other, and
 * where it is counted what a tenant keeps.
 *
 * Not part of the data path, and on a connection of its own: what limits a flood must not wait behind
 * it. Nothing here is a promise; a board that is empty or old makes limits less exact and nothing else.
 */
export interface TenantBoard {
  /** Leaves word of tenants, and reads what other gateways have left about some. */
  exchange(request: BoardRequest, options: CallOptions): Promise<readonly BoardNote[]>;
  /** Counts one page of what a tenant keeps here, in the order of keyspaces and keys. */
  sizes(request: SizeRequest, options: CallOptions): Promise<SizePage>;
  close(): Promise<void>;
}

export interface BoardRequest {
  /** Names the gateway that asks. */
  readonly gateway: string;
  /** Takes the place of what it said of these tenants before. The tenant '' is the gateway itself. */
  readonly tells: readonly { readonly tenant: string; readonly told: string }[];
  readonly about: readonly string[];
  /** Older words are left out. */
  readonly withinMs: number;
}

export interface BoardNote {
  readonly tenant: string;
  readonly gateway: string;
  readonly told: string;
  /** On the replica's own clock, so that no two clocks are compared. */
  readonly ageMs: number;
}

export interface SizeRequest {
  readonly tenant: string;
  readonly after?: Place | undefined;
  /** Rows looked at, live or not. */
  readonly limit: number;
}

/** A key of a tenant; the keyspace by its storage name. */
export interface Place {
  readonly keyspace: string;
  readonly key: string;
}

export interface SizePage {
  /** Keys that hold a live version, and the bytes of those keys and of all that is kept of them. */
  readonly sizes: readonly {
    readonly keyspace: string;
    readonly keys: number;
    readonly bytes: number;
  }[];
  /** Where to go on; undefined at the end. */
  readonly last: Place | undefined;
}
