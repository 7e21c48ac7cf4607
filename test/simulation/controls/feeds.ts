import type { ChangeEvent, Feed } from '../../../src/feed/feed.ts';

/** Loses every fifth change on its way to the subscriber. */
export function losingFeed(feed: Feed): Feed {
  return {
    close: () => feed.close(),
    async subscribe(caller, what) {
      const events = await feed.subscribe(caller, what);
      let changes = 0;
      return iteratorOf(async () => {
        for (;;) {
          const next = await events.next();
          if (next.done || next.value.__typename !== 'EntryChanged') return next;
          changes += 1;
          if (changes % 5 !== 0) return next;
        }
      }, events);
    },
  };
}

/** Goes on from now, whatever cursor it is given. */
export function forgetfulFeed(feed: Feed): Feed {
  return {
    close: () => feed.close(),
    subscribe: (caller, { after: _, ...what }) => feed.subscribe(caller, what),
  };
}

/** Whoever resumes misses the first change: as if the cursor had said one event too much. */
export function unsteadyFeed(feed: Feed): Feed {
  return {
    close: () => feed.close(),
    async subscribe(caller, what) {
      const events = await feed.subscribe(caller, what);
      let isLost = typeof what.after !== 'string';
      return iteratorOf(async () => {
        for (;;) {
          const next = await events.next();
          if (isLost || next.done || next.value.__typename !== 'EntryChanged') return next;
          isLost = true;
        }
      }, events);
    },
  };
}

/** Tells every second change once more, one change later. */
export function reorderingFeed(feed: Feed): Feed {
  return {
    close: () => feed.close(),
    async subscribe(caller, what) {
      const events = await feed.subscribe(caller, what);
      let held: IteratorResult<ChangeEvent> | undefined;
      let last: IteratorResult<ChangeEvent> | undefined;
      return iteratorOf(async () => {
        if (held) {
          const again = held;
          held = undefined;
          return again;
        }
        const next = await events.next();
        if (!next.done && next.value.__typename === 'EntryChanged') [held, last] = [last, next];
        return next;
      }, events);
    },
  };
}

function iteratorOf(
  next: () => Promise<IteratorResult<ChangeEvent>>,
  events: AsyncIterableIterator<ChangeEvent>,
): AsyncIterableIterator<ChangeEvent> {
  return {
    next,
    return: () => events.return?.() ?? Promise.resolve({ done: true, value: undefined }),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
