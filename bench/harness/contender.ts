import type { Operation } from './operations.ts';

/** Where a contender may keep its files, and what it is measured with. */
export interface Workplace {
  /** Its own, on the same disk as everybody's; removed at the end. */
  readonly directory: string;
  /** Keys that are there before anything is measured. */
  readonly keys: number;
  /** Node options for its server process: `--cpu-prof` and where to. */
  readonly profile?: string | undefined;
}

/** One request as it goes over the wire, with gaps for keys and values. */
export interface Template {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * `{{key}}` and `{{value}}` are filled in anew for every request, each time they stand there; and
   * `{{secret}}`, in a header, by whose key it is.
   */
  readonly body: string;
  /**
   * Lua patterns that tell whether the answer is right. `pair` captures a key and the value that
   * stands with it, which must begin with the key; at least `pairs` of them must be there. `marks`
   * must all be found.
   */
  readonly answer: {
    readonly pair?: string;
    readonly pairs?: number;
    readonly marks?: readonly string[];
  };
}

/** A system that answers, as its own documentation recommends to run it. */
export interface Running {
  /** `http://127.0.0.1:port` */
  readonly origin: string;
  readonly operations: Partial<Readonly<Record<Operation, Template>>>;
  /** Encodes a key or a value for the body; JSON text goes in as it is where left out. */
  readonly encoding?: 'base64';
  /** Whose keys they are, in turn; one where left out. See `secretAt`. */
  readonly tenants?: number;
  /** The processes whose time and memory it is; their children count too. */
  readonly pids: () => readonly number[];
  stop(): Promise<void>;
}

export interface Contender {
  readonly name: string;
  /** What it is, for the head of the table. */
  readonly what: string;
  /** It takes part only in the workloads that an aim is about. */
  readonly onlyAims?: true;
  start(workplace: Workplace): Promise<Running>;
}

/** It is not on this machine; the reason is printed, and the others run. */
export class NotHere extends Error {}
