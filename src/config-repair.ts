import { z } from 'zod';

/** What keeps replicas alike in the background. */
export const repairSchema = z
  .strictObject({
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
  .readonly();
