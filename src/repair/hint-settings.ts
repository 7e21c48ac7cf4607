/** What bounds hinted handoff, in time, in size and in speed. */
export interface HintSettings {
  /**
   * Off: what a replica did not take is left to reads and to anti-entropy, and no write is sloppy.
   * What was kept before is delivered all the same.
   */
  readonly enabled: boolean;
  /** How long a hint is kept. Shorter than tombstones are: a late one could bring a value back. */
  readonly expireMs: number;
  /** At one holder, about: gateways count once a second, and each adds what it has kept since. */
  readonly hintsMax: number;
  readonly bytesMax: number;
  /** What one gateway delivers, over all targets. */
  readonly replayPerSecond: number;
  /** How often holders are asked what they keep; sooner when a replica has come back. */
  readonly lookEveryMs: number;
  /** How long a gateway has for what it has taken; after that another one may take it. */
  readonly claimMs: number;
}

export const hintSettings: HintSettings = {
  enabled: true,
  expireMs: 3 * 3_600_000,
  hintsMax: 100_000,
  bytesMax: 256 * 1_048_576,
  replayPerSecond: 1_000,
  lookEveryMs: 1_000,
  claimMs: 5_000,
};
