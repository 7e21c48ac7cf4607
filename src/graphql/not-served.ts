import { StoreError } from '../errors.ts';

/**
 * Refuses a field whose part of the service is not in this version. An explicit refusal is better
 * than an invented answer.
 */
export function notServed(field: string): never {
  throw new StoreError('FORBIDDEN', `Field "${field}" is not served by this version`, { field });
}
