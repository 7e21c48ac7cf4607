/** One write as its client saw it; values are unique. */
export interface Acknowledged {
  readonly key: string;
  readonly value: string;
  /** The values that its context covered. */
  readonly seen: readonly string[];
  readonly status: 'ok' | 'fail' | 'unknown';
  readonly start: number;
  readonly end: number;
  readonly code?: string;
}

export type History = Acknowledged[];

/**
 * Acknowledged writes that are gone though nobody who may have happened had seen them, nor anyone who had seen their successors.
 *
 * A value is accounted for when it is in the final state, or when a write whose context covered it was (or may have been)
 * carried out. `fail` certainly was not; were it to replace something all the same, that would show here as a loss.
 */
export function lostWrites(
  history: readonly Acknowledged[],
  final: ReadonlyMap<string, readonly string[]>,
): Acknowledged[] {
  const superseded = new Set(
    history
      .filter(({ status }) => status !== 'fail')
      .flatMap(({ key, seen }) => seen.map((value) => `${key} ${value}`)),
  );
  return history.filter(
    ({ key, value, status }) =>
      status === 'ok' && !final.get(key)?.includes(value) && !superseded.has(`${key} ${value}`),
  );
}
