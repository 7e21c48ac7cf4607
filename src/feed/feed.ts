// The interface of the feed; `createFeed(deps)` follows here.
export type { ChangeEvent, ChangesArguments, Feed } from './change-event.ts';
