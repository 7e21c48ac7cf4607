import { z } from 'zod';
import { name } from './config-auth.ts';

const mode = z.enum(['off', 'allowed', 'required']);
const bytes = (least: number, usual: number) =>
  z
    .int()
    .min(least)
    .max(2 ** 31)
    .default(usual);

/** Which documents are run: the block `documents` of the configuration. */
export const documentsSchema = z
  .strictObject({
    /**
     * `allowed`: a request may name a trusted document instead of sending it. `required`: nothing
     * else is run.
     */
    trusted: mode.default('off'),
    /** A JSON file (id → document), or a folder of such and of `<id>.graphql`; read at the start. */
    path: z.string().min(1).optional(),
    /** Tenants for which it is not as `trusted` says. */
    tenants: z.record(name, mode).default({}),
    /** Automatic persisted queries: what a client has sent once it may name by its hash. */
    automatic: z
      .strictObject({
        enabled: z.boolean().default(true),
        documentsPerTenant: z.int().min(1).max(1_000_000).default(1_000),
        bytesPerTenant: bytes(1_024, 1_048_576),
        /** Of all tenants together, in one gateway. */
        bytes: bytes(1_024, 67_108_864),
      })
      .readonly()
      .prefault({}),
  })
  .superRefine(({ trusted, tenants, path }, context) => {
    const isUsed = [trusted, ...Object.values(tenants)].some((one) => one !== 'off');
    if (!isUsed || path !== undefined) return;
    const message = 'is required: it says which documents are trusted';
    context.addIssue({ code: 'custom', path: ['path'], message });
  })
  .readonly();
