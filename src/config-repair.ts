import { z } from 'zod';

/** What keeps replicas alike in the background. */
export const repairSchema = z
  .strictObject({
    hints: z
      .strictObject({
        /**
         * False: what a replica did not take is left to reads and to anti-entropy, and `sloppy` is
         * refused. What was kept before is delivered all the same.
         */
        enabled: z.boolean().default(true),
        expireMinutes: z.int().min(1).max(5_256_000).default(180),
        /** What one gateway delivers, over all replicas that are back. */
        replayPerSecond: z.int().min(1).max(1_000_000).default(1_000),
        /** What one replica keeps for others; beyond that, what is missed is left to repair. */
        maxPerReplica: z.int().min(0).max(100_000_000).default(100_000),
        maxMegabytesPerReplica: z.int().min(0).max(1_000_000).default(256),
      })
      .readonly()
      .prefault({}),
    antiEntropy: z
      .strictObject({
        /** Every keyspace is compared this often, by one gateway; 0 for never. */
        everySeconds: z.int().min(0).max(31_536_000).default(600),
      })
      .readonly()
      .prefault({}),
    tombstones: z
      .strictObject({
        /**
         * How long a deletion is kept at the least: longer than clocks are apart, than a hint is
         * kept, and than a replica is ever away whose data is then used again.
         */
        graceMinutes: z.int().min(15).max(5_256_000).default(1_440),
      })
      .readonly()
      .prefault({}),
  })
  .superRefine(({ hints, tombstones }, context) => {
    // A hint that outlives a deletion could bring back what was deleted.
    if (hints.expireMinutes < tombstones.graceMinutes) return;
    const message = `must be less than tombstones.graceMinutes, which is ${tombstones.graceMinutes}`;
    context.addIssue({ code: 'custom', path: ['hints', 'expireMinutes'], message });
  })
  .readonly();
