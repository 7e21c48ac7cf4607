import { z } from 'zod';

const count = (max: number) => z.int().min(1).max(max);

/** What one gateway takes, of whomever: the block `limits` of the configuration. */
export const limitsSchema = z
  .strictObject({
    bodyBytes: count(64 * 1_048_576).default(1_048_576),
    documentBytes: count(1_048_576).default(65_536),
    tokens: count(100_000).default(1_000),
    depth: count(100).default(15),
    cost: count(10_000_000).default(5_000),
    /** Of values on one page of a range. */
    pageBytes: count(1_073_741_824).default(4 * 1_048_576),
    /** Of values in the answer of one operation, whatever its fields ask for. */
    answerBytes: count(1_073_741_824).default(16 * 1_048_576),
    socketsMax: count(1_000_000).default(10_000),
    subscriptionsPerSocket: count(10_000).default(100),
    /** As a list in one HTTP request. */
    operationsPerRequest: count(100).default(1),
    /** Events that wait for one slow subscriber before it is told of a gap. */
    subscriptionQueue: count(1_000_000).default(1_000),
    /** Of all tenants, in this process, at a time: what is beyond is refused with OVERLOADED. */
    operationsAtOnce: count(10_000_000).default(10_000),
    /** Of requests that are arriving or not answered, and of their answers, of all tenants, in this process. */
    heldBytes: count(64 * 1_073_741_824).default(134_217_728),
  })
  // Or the largest body would be refused for ever, with "try again later".
  .refine(({ heldBytes, bodyBytes }) => heldBytes >= 4 * bodyBytes, {
    path: ['heldBytes'],
    message: 'must be at least four times bodyBytes',
  })
  .readonly();
