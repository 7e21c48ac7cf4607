import type { Config } from '../config.ts';

/** How one worker is to run its gateway. */
export interface WorkerOrder {
  readonly config: Config;
  readonly mode: 'dev' | 'serve';
}

/** From the program that was started to its workers. */
export type ToWorker =
  | { readonly kind: 'begin'; readonly order: WorkerOrder }
  | { readonly kind: 'count'; readonly asked: number }
  | { readonly kind: 'figures'; readonly asked: number; readonly text: string };

/** From a worker to the program that started it. */
export type FromWorker =
  | { readonly kind: 'awake' }
  | { readonly kind: 'ready'; readonly url: string; readonly port: number }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'counted'; readonly asked: number; readonly figures: readonly object[] }
  | { readonly kind: 'wants figures'; readonly asked: number };
