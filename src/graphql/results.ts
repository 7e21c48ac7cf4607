import type { ExecutionResult } from 'graphql';

/** The results of a subscription. `return()` ends it at once, also while an event is awaited. */
export interface Results extends AsyncIterableIterator<ExecutionResult, undefined, undefined> {
  return(): Promise<IteratorReturnResult<undefined>>;
  throw(): Promise<IteratorReturnResult<undefined>>;
  /** Ends it at once; whoever reads it gets this as its last result. */
  fail(error: unknown): void;
}

/** What happens to results on their way out. */
export interface ResultHooks {
  readonly each: (result: ExecutionResult) => ExecutionResult;
  /** The last result of a feed that broke. */
  readonly failed: (error: unknown) => ExecutionResult;
  /** Called once, however it ends. */
  readonly ended: () => void;
}

/**
 * Wraps a source of results.
 *
 * Not an `async function*`: its `return()` would wait for the next event, and a silent key would
 * keep a dead subscriber for ever.
 */
export function endable(
  source: AsyncIterator<ExecutionResult>,
  { each, failed, ended }: ResultHooks,
): Results {
  let isOver = false;
  // Asked again after every wait: it may have been ended in between.
  const hasEnded = (): boolean => isOver;
  const finished: IteratorReturnResult<undefined> = { done: true, value: undefined };
  let last: ExecutionResult | undefined;

  function end(): void {
    if (isOver) return;
    isOver = true;
    ended();
  }

  async function stop(): Promise<IteratorReturnResult<undefined>> {
    const wasOver = isOver;
    end();
    if (!wasOver) await source.return?.();
    return finished;
  }

  function rest(): IteratorResult<ExecutionResult, undefined> {
    if (last === undefined) return finished;
    const value = last;
    last = undefined;
    return { done: false, value };
  }

  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      if (isOver) return rest();
      try {
        const step = await source.next();
        if (hasEnded()) return rest();
        if (step.done !== true) return { done: false, value: each(step.value) };
        end();
        return finished;
      } catch (error) {
        if (hasEnded()) return rest();
        end();
        return { done: false, value: failed(error) };
      }
    },
    return: stop,
    throw: stop,
    fail(error) {
      if (isOver) return;
      last = failed(error);
      // Its end is what the reader waits for; how it ends by itself is of no more interest.
      stop().catch(() => undefined);
    },
  };
}
