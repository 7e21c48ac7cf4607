import type {
  ChangePage,
  ChangePosition,
  ChangeSession,
  ChangeSource,
  Singles,
} from '../../../src/replica/change-source.ts';

/** Takes the transactions that were running for finished: whatever commits late is behind the reader by then. */
export function readingPastTheOldestRunning(source: ChangeSource): ChangeSource {
  return broken(source, (session) => ({
    ...passedOn(session),
    head: async () => withoutRunning(await session.head()),
    read: async (position, what) => {
      const page = await session.read(position, what);
      return { ...page, position: withoutRunning(page.position) };
    },
  }));
}

/** Does not look how far the log was trimmed: what is gone is passed over without a word. */
export function silentAboutTrimming(source: ChangeSource): ChangeSource {
  return broken(source, (session) => ({
    ...passedOn(session),
    read: async (position, what): Promise<ChangePage> => {
      const page = await session.read(position, what);
      if (page.kind === 'page' || page.reason !== 'trimmed') return page;
      return { kind: 'page', changes: [], position: page.position, more: false };
    },
  }));
}

/** Says that nothing was told before. */
export function withoutRecall(source: ChangeSource): ChangeSource {
  return broken(source, (session) => ({
    ...passedOn(session),
    recent: async (asked) => asked.map(() => ({ changes: [], complete: true })),
  }));
}

/** Goes by what was followed when the session was opened: whoever comes later is not heard of. */
export function withTheFirstSieve(source: ChangeSource): ChangeSource {
  return broken(source, (session) => {
    let first: Singles | undefined;
    return {
      ...passedOn(session),
      read: (position, what) => {
        // A copy: bits are added in place.
        first ??= what.singles && { ...what.singles, sieve: what.singles.sieve.slice() };
        return session.read(position, { ...what, singles: what.singles && first });
      },
    };
  });
}

function withoutRunning(position: ChangePosition): ChangePosition {
  const past = (snapshot: string): string => {
    const [, xmax = ''] = snapshot.split(':');
    return `${xmax}:${xmax}:`;
  };
  const { seen, window } = position;
  return {
    ...position,
    seen: past(seen),
    ...(window && { window: { ...window, until: past(window.until) } }),
  };
}

function broken(
  source: ChangeSource,
  how: (session: ChangeSession) => ChangeSession,
): ChangeSource {
  return {
    id: source.id,
    open: async (events) => how(await source.open(events)),
    trim: (options) => source.trim(options),
  };
}

function passedOn(session: ChangeSession): ChangeSession {
  return {
    head: () => session.head(),
    read: (position, what) => session.read(position, what),
    recent: (asked) => session.recent(asked),
    since: (ageMs) => session.since(ageMs),
    listen: (isWoken) => session.listen(isWoken),
    close: () => session.close(),
  };
}
