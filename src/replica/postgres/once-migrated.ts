import { ReplicaError } from '../replica.ts';

/**
 * Migrates once a process; again after a failure, and after the database turned out to be another
 * one, without tables.
 */
export class OnceMigrated {
  readonly #migrate: () => Promise<void>;
  #under: Promise<void> | undefined;
  #isDone = false;

  constructor(migrate: () => Promise<void>) {
    this.#migrate = migrate;
  }

  /** Rejects with a `ReplicaError`. `anew`: what was done before is gone. */
  done(anew: boolean): Promise<void> {
    if (anew && this.#isDone) {
      this.#under = undefined;
      this.#isDone = false;
    }
    this.#under ??= this.#migrate().then(
      () => void (this.#isDone = true),
      (error: unknown) => {
        this.#under = undefined;
        const reason = error instanceof Error ? error.message : String(error);
        throw new ReplicaError('DOWN', reason, false);
      },
    );
    return this.#under;
  }
}
