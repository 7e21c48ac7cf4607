import type { ChangeSession, RecentAsked } from '../replica/change-source.ts';
import type { Links } from './links.ts';
import { openLog, type LogReader } from './log-reader.ts';
import { recall, slackUs, type LogParts } from './recall.ts';
import type { SubscriptionOptions } from './told.ts';

const retryMs = 100;

/** How one subscription gets at what its replicas have logged, beside their tails. */
export class Logs {
  readonly #options: Omit<SubscriptionOptions<unknown>, 'make'>;
  readonly #links: Links;
  readonly #isOver: () => boolean;

  constructor(
    options: Omit<SubscriptionOptions<unknown>, 'make'>,
    links: Links,
    isOver: () => boolean,
  ) {
    this.#options = options;
    this.#links = links;
    this.#isOver = isOver;
  }

  /**
   * Prepares to read what lies between where the replica was left and its tail; undefined when the
   * subscription is over.
   */
  open(replica: string): Promise<LogReader | undefined> {
    const { isRecalled, place } = this.#links.of(replica);
    // It was in line for its recollection; what is left takes no reading.
    if (isRecalled && 'seen' in place) return this.#read(replica, openLog);
    return this.#inLine(replica, openLog);
  }

  /** Brings to mind what was told or reported before, so that nothing older is told after it. */
  async recallAll(): Promise<void> {
    if (this.#options.after) await this.#recallTold();
    else await this.#recallReported();
  }

  /**
   * A replica that lags may report what is older than what another one has told, and while that
   * other one is silent, nobody would know: so it is waited for a while. After that whatever may be
   * older is looked up.
   */
  async #recallTold(): Promise<void> {
    const { hub, clock, limits, seen } = this.#options;
    const endMs = clock.monotonicMs() + limits.recallMs;
    const attempt = async (replica: string): Promise<void> => {
      while (!this.#isOver()) {
        if (hub.answers(replica) && (await this.#isRecalled(replica))) return;
        if (clock.monotonicMs() + retryMs > endMs) return;
        await clock.sleep(retryMs);
      }
    };
    await Promise.all(hub.replicas.map(attempt));
    if (hub.replicas.every((replica) => this.#links.of(replica).isRecalled)) return;
    this.#links.learnt(this.#links.madeAtMs * 1000 + slackUs);
    seen.forgetBefore(this.#links.learntUs);
  }

  /**
   * Nothing was told yet. Where it is not known what was reported shortly before, that is told too,
   * rather than taken for told; what is older than that is too old for the feed.
   */
  async #recallReported(): Promise<void> {
    const joined = this.#links.in('catching');
    await Promise.all(joined.map((replica) => this.#isRecalled(replica)));
    for (const replica of this.#options.hub.replicas) {
      const link = this.#links.of(replica);
      if (!link.isRecalled) link.place = { sinceMs: this.#links.madeAtMs };
      link.isRecalled = true;
    }
  }

  /** Not in line, but where its place is still to be found: those who begin together recall together. */
  #isRecalled(replica: string): Promise<boolean> {
    const isPlaced = 'seen' in this.#links.of(replica).place;
    const done = isPlaced ? this.#read(replica, recall) : this.#inLine(replica, recall);
    return done.then(
      () => true,
      () => false,
    );
  }

  #inLine<T>(replica: string, work: (parts: LogParts) => Promise<T>): Promise<T | undefined> {
    return this.#options.hub.joining.pass(() => this.#read(replica, work));
  }

  async #read<T>(replica: string, work: (parts: LogParts) => Promise<T>): Promise<T | undefined> {
    const { hub } = this.#options;
    if (this.#isOver()) return undefined;
    const opening = hub.side(replica);
    try {
      return await work(this.#parts(replica, await opening));
    } catch (error) {
      hub.dropSide(replica, opening);
      throw error;
    }
  }

  #parts(replica: string, session: ChangeSession): LogParts {
    const link = this.#links.of(replica);
    const { madeAtMs } = this.#links;
    const learntUs = (): number => this.#links.learntUs;
    const recent = (asked: RecentAsked) => this.#options.hub.recollections.of(replica, asked);
    return { ...this.#options, replica, link, session, recent, madeAtMs, learntUs };
  }
}
