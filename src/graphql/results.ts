import type { ExecutionResult } from 'graphql';

/** The results of a subscription. `return()` ends it at once, also while an event is awaited. */
export interface Results extends AsyncIterableIterator<ExecutionResult, undefined, undefined> {
  return(): Promise<IteratorReturnResult<undefined>>;
  throw(): Promise<IteratorReturnResult<undefined>>;
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

  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      if (isOver) return finished;
      try {
        const step = await source.next();
        if (hasEnded()) return finished;
        if (step.done !== true) return { done: false, value: each(step.value) };
        end();
        return finished;
      } catch (error) {
        if (hasEnded()) return finished;
        end();
        return { done: false, value: failed(error) };
      }
    },
    return: stop,
    throw: stop,
  };
}
