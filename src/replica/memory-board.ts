import type { Clock } from '../runtime/clock.ts';
import type { BoardNote, BoardRequest, SizePage, TenantBoard } from './tenant-board.ts';

/** A board of one process, for tests. It keeps no cells, and so counts none. */
export class MemoryBoard implements TenantBoard {
  /** While set, everything rejects with it. */
  failure: Error | undefined;
  readonly #clock: Clock;
  readonly #notes = new Map<string, Omit<BoardNote, 'ageMs'> & { readonly atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async exchange(request: BoardRequest): Promise<readonly BoardNote[]> {
    if (this.failure) throw this.failure;
    const { gateway, tells, about, withinMs } = request;
    const atMs = this.#clock.monotonicMs();
    for (const { tenant, told } of tells)
      this.#notes.set(JSON.stringify([tenant, gateway]), { tenant, gateway, told, atMs });
    return [...this.#notes.values()]
      .map(({ atMs: toldMs, ...note }) => ({ ...note, ageMs: atMs - toldMs }))
      .filter((note) => note.gateway !== gateway && about.includes(note.tenant))
      .filter(({ ageMs }) => ageMs <= withinMs);
  }

  async sizes(): Promise<SizePage> {
    if (this.failure) throw this.failure;
    return { sizes: [], last: undefined };
  }

  async close(): Promise<void> {
    this.#notes.clear();
  }
}
