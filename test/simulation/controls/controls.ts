import { consensusRules } from '../../../src/paxos/proposer.ts';
import type { Process } from '../world/process.ts';
import type { Defects } from './defects.ts';
import { forgetfulFeed, losingFeed, reorderingFeed, unsteadyFeed } from './feeds.ts';
import {
  AbsentLink,
  CollectingLink,
  ConfidentLink,
  EchoingLink,
  ForgettingLink,
  GatewayNamedLink,
  HastyAccepts,
  HintingLink,
  LastPageLink,
  OneTenantLink,
  OverwritingAccepts,
  OverwritingLink,
  RepairMarkingLink,
  ShortPageLink,
  SilentSumsLink,
  TruncatingLink,
} from './links.ts';
import {
  readingPastTheOldestRunning,
  silentAboutTrimming,
  withoutRecall,
  withTheFirstSieve,
} from './logs.ts';
import {
  AnyNameReplica,
  CarelessReplica,
  ForgetfulReplica,
  LastArrivalReplica,
  ObligingReplica,
  UnawareReplica,
  UnruledReplica,
  ZombieReplica,
} from './replicas.ts';
import {
  ForgottenFences,
  LyingLogs,
  SilentLogs,
  UnrenewedLink,
  UnsettledReads,
  UnstampedFences,
} from './settlement-links.ts';
import {
  downgrading,
  neverRefusing,
  withHintsCounted,
  withoutIdempotency,
  withoutSession,
  withoutWriteBack,
  withStaleReads,
} from './stores.ts';

/** A product that is broken on purpose, and the scenario whose checker must notice. */
export interface Control {
  readonly name: string;
  readonly scenario: string;
  /** Seeds within which it must be caught. */
  readonly within: number;
  /** A seed that caught it when this was written: where `npm test` begins, which cannot try hundreds. */
  readonly caughtBy?: number;
  /** Made anew for every run: some remember things. */
  readonly defects: () => Defects;
}

const isGateway = ({ name }: Process): boolean => name.startsWith('g');

/** THE TABLE of negative controls: every promise has at least one. */
export const controls: readonly Control[] = [
  {
    name: 'no anti-entropy',
    scenario: 'repair',
    within: 5,
    defects: () => ({ parts: { repair: { antiEntropyEveryMs: 0 } } }),
  },
  {
    name: 'each replica forgets deletions by itself, whatever the others hold',
    scenario: 'repair',
    within: 20,
    defects: () => ({ link: (link) => new CollectingLink(link) }),
  },
  {
    name: 'repair overwrites instead of joining',
    scenario: 'one-siblings',
    within: 20,
    caughtBy: 2,
    defects: () => ({
      link: (link, { process }) => (isGateway(process) ? link : new OverwritingLink(link)),
    }),
  },
  {
    name: 'dots minted in the name of the gateway',
    scenario: 'one-siblings',
    within: 20,
    caughtBy: 17,
    defects: () => ({
      link: (link, { process }) =>
        isGateway(process) ? new GatewayNamedLink(link, process.name) : link,
    }),
  },
  {
    name: 'statements act after their deadline',
    scenario: 'one-siblings',
    within: 200,
    caughtBy: 22,
    defects: () => ({ replica: (options) => new ZombieReplica(options) }),
  },
  {
    name: 'an unanswered mint is taken for a refused one',
    scenario: 'one-siblings',
    within: 20,
    caughtBy: 2,
    defects: () => ({ link: (link) => new ConfidentLink(link) }),
  },
  {
    name: 'tombstones are forgotten at once',
    scenario: 'one-siblings',
    within: 20,
    caughtBy: 6,
    defects: () => ({ replica: (options) => new ForgetfulReplica(options) }),
  },
  {
    name: 'a wiped replica comes back under its old name',
    scenario: 'one-siblings',
    within: 100,
    caughtBy: 10,
    defects: () => ({ keepsIncarnation: true, unnoticed: true, wipes: true }),
  },
  {
    name: 'nobody looks in whose name a dot is minted',
    scenario: 'one-siblings',
    within: 600,
    caughtBy: 47,
    defects: () => ({
      replica: (options) => new AnyNameReplica(options),
      unnoticed: true,
      wipes: true,
    }),
  },
  {
    name: 'tenants share their keys',
    scenario: 'one-siblings',
    within: 10,
    defects: () => ({ link: (link) => new OneTenantLink(link) }),
  },
  {
    name: 'no anti-entropy',
    scenario: 'one-siblings',
    within: 20,
    defects: () => ({ noAntiEntropy: true }),
  },
  {
    name: 'the last arrival wins, not the last write',
    scenario: 'one-lww',
    within: 20,
    defects: () => ({ replica: (options) => new LastArrivalReplica(options) }),
  },
  {
    name: 'no write-back: repair in the background only',
    scenario: 'quorum',
    within: 50,
    caughtBy: 12,
    defects: () => ({ store: withoutWriteBack }),
  },
  {
    name: 'hints counted as acknowledgements',
    scenario: 'quorum',
    within: 50,
    caughtBy: 9,
    defects: () => ({
      link: (link, { process }) =>
        isGateway(process) ? new HintingLink(link, process.clock) : link,
    }),
  },
  {
    name: 'a lost disk, or an older copy, is not noticed',
    scenario: 'quorum-disks',
    within: 50,
    caughtBy: 45,
    defects: () => ({ unnoticed: true }),
  },
  {
    name: 'hints counted as acknowledgements without "sloppy"',
    scenario: 'handoff',
    within: 50,
    caughtBy: 11,
    defects: () => ({ store: withHintsCounted }),
  },
  {
    name: 'hints that are acknowledged, and not kept',
    scenario: 'sloppy',
    within: 20,
    defects: () => ({ replica: (options) => new CarelessReplica(options) }),
  },
  {
    name: 'a row that was handed over goes on under its old name',
    scenario: 'outages',
    within: 500,
    caughtBy: 276,
    defects: () => ({ replica: (options) => new UnawareReplica(options) }),
  },
  {
    // With anti-entropy, and only `Strays` left out: seed 22.
    name: 'no anti-entropy: what a gateway minted elsewhere before it died stays there',
    scenario: 'strays',
    within: 300,
    caughtBy: 48,
    defects: () => ({ parts: { repair: { antiEntropyEveryMs: 0 } } }),
  },
  {
    name: '"not found" counted before a quorum has said so',
    scenario: 'quorum',
    within: 50,
    caughtBy: 10,
    defects: () => ({ link: (link) => new AbsentLink(link) }),
  },
  {
    name: 'session token not looked at',
    scenario: 'session',
    within: 20,
    defects: () => ({ store: withoutSession }),
  },
  {
    name: 'SESSION writes store no dependencies',
    scenario: 'session',
    within: 100,
    caughtBy: 15,
    defects: () => ({ link: (link) => new TruncatingLink(link, 0) }),
  },
  {
    name: 'dependency list truncated to one',
    scenario: 'causal',
    within: 2000,
    caughtBy: 597,
    defects: () => ({ link: (link) => new TruncatingLink(link, 1) }),
  },
  {
    name: 'causal token not looked at',
    scenario: 'causal',
    within: 100,
    caughtBy: 29,
    defects: () => ({ store: withoutSession }),
  },
  {
    name: 'rule A off: repair goes past a promise',
    scenario: 'linearizable',
    within: 500,
    caughtBy: 130,
    defects: () => ruleAOff(),
  },
  {
    name: 'rule B off: a round that changes nothing does not re-tag',
    scenario: 'linearizable',
    within: 500,
    caughtBy: 22,
    defects: () => ({ parts: { rules: { ...consensusRules, retag: false } } }),
  },
  {
    name: 'a refused compare-and-set does not finish its round',
    scenario: 'linearizable',
    within: 200,
    caughtBy: 14,
    defects: () => ({ parts: { rules: { ...consensusRules, finishRefused: false } } }),
  },
  {
    name: 'amnesia: a wiped replica takes part at once',
    scenario: 'linearizable',
    within: 2_000,
    caughtBy: 174,
    defects: () => ({ unnoticed: true, wipes: true }),
  },
  {
    name: 'a lost disk, or an older copy, is not noticed',
    scenario: 'linearizable-disks',
    within: 400,
    caughtBy: 33,
    defects: () => ({ unnoticed: true }),
  },
  {
    name: 'a promise that came with an accept serves twice',
    scenario: 'linearizable-alone',
    within: 50,
    caughtBy: 4,
    defects: () => ({ parts: { rules: { ...consensusRules, keptOnce: false } } }),
  },
  {
    name: 'an accept goes through although another proposer was met since',
    scenario: 'linearizable-alone',
    within: 300,
    caughtBy: 22,
    defects: () => ({ replica: (options) => new ObligingReplica(options) }),
  },
  {
    name: 'a refusal is answered on a promise that came with an accept',
    scenario: 'linearizable-alone',
    within: 300,
    caughtBy: 28,
    defects: () => ({ parts: { rules: { ...consensusRules, lookAnew: false } } }),
  },
  {
    name: 'LINEARIZABLE reads served at ONE',
    scenario: 'linearizable',
    within: 20,
    caughtBy: 2,
    defects: () => ({ store: withStaleReads }),
  },
  {
    name: 'a retry is applied again',
    scenario: 'linearizable',
    within: 50,
    caughtBy: 22,
    defects: () => ({ store: withoutIdempotency }),
  },
  {
    name: 'an accepted version overwrites what it has not read',
    scenario: 'mixed',
    within: 20,
    defects: () => ({ link: (link) => new OverwritingAccepts(link) }),
  },
  {
    name: 'a re-tagged version is new to those who have replaced it',
    scenario: 'mixed',
    within: 400,
    caughtBy: 38,
    defects: () => ({ link: (link) => new ForgettingLink(link) }),
  },
  {
    name: 'a proposal removes what it has read before it is chosen',
    scenario: 'mixed',
    within: 2000,
    caughtBy: 1288,
    // A hint would bring back what it has kept.
    defects: () => ({
      link: (link) => new HastyAccepts(link),
      parts: { hints: { enabled: false } },
    }),
  },
  {
    name: 'a fence is not looked at by reads',
    scenario: 'resolve',
    within: 40,
    caughtBy: 7,
    defects: () => ({
      link: (link, { process }) =>
        isGateway(process) ? new UnsettledReads(link, ['fenced']) : link,
    }),
  },
  {
    name: 'a fence is forgotten',
    scenario: 'resolve',
    within: 40,
    caughtBy: 11,
    defects: () => ({
      link: (link, { process }) => (isGateway(process) ? new ForgottenFences(link) : link),
    }),
  },
  {
    name: 'a read does not look whether what it shows is doubted',
    scenario: 'resolve',
    within: 400,
    caughtBy: 32,
    defects: () => ({
      link: (link, { process }) =>
        isGateway(process) ? new UnsettledReads(link, ['doubted', 'condemned']) : link,
    }),
  },
  {
    name: 'what a fenced write had replaced is not brought back',
    scenario: 'resolve',
    within: 60,
    caughtBy: 5,
    defects: () => ({
      link: (link, { process }) => (isGateway(process) ? new UnrenewedLink(link) : link),
    }),
  },
  {
    name: 'what no log knows never was',
    scenario: 'resolve',
    within: 10,
    defects: () => ({ link: (link) => new SilentLogs(link) }),
  },
  {
    name: 'a fence leaves the stamp of what stands as it is',
    scenario: 'resolve-newest',
    within: 1000,
    caughtBy: 369,
    defects: () => ({
      link: (link, { process }) => (isGateway(process) ? new UnstampedFences(link) : link),
    }),
  },
  {
    name: 'logs name another writer of every round',
    scenario: 'resolve-linearizable',
    within: 10,
    defects: () => ({ link: (link) => new LyingLogs(link) }),
  },
  {
    name: 'pages that differ sum up to the same',
    scenario: 'quorum',
    within: 50,
    caughtBy: 5,
    defects: () => ({ link: (link) => new SilentSumsLink(link) }),
  },
  {
    name: 'cells that differ are told to be the same where they are asked for briefly',
    scenario: 'quorum',
    within: 50,
    caughtBy: 11,
    defects: () => {
      const whole = new Map<string, bigint>();
      return { link: (link) => new EchoingLink(link, whole) };
    },
  },
  {
    name: 'deleted keys eat a page',
    scenario: 'range',
    within: 20,
    caughtBy: 5,
    defects: () => ({ link: (link) => new ShortPageLink(link) }),
  },
  {
    name: 'a page that ended by its bytes is taken for the last',
    scenario: 'range',
    within: 20,
    defects: () => ({ link: (link) => new LastPageLink(link) }),
  },
  {
    name: 'a change is dropped on its way to the subscriber',
    scenario: 'changes',
    within: 20,
    caughtBy: 3,
    defects: () => ({ feed: losingFeed }),
  },
  {
    name: 'the cursor is not looked at: a feed goes on from now',
    scenario: 'changes',
    within: 20,
    defects: () => ({ feed: forgetfulFeed }),
  },
  {
    name: 'changes of a key are told out of order',
    scenario: 'changes',
    within: 20,
    defects: () => ({ feed: reorderingFeed }),
  },
  {
    name: 'the last event before a reconnect is lost',
    scenario: 'changes',
    within: 50,
    defects: () => ({ feed: unsteadyFeed }),
  },
  {
    name: 'a resumed feed does not know what was told before',
    scenario: 'changes',
    within: 20,
    caughtBy: 3,
    defects: () => ({ log: withoutRecall }),
  },
  {
    name: 'the log is read past the oldest running transaction',
    scenario: 'changes',
    within: 200,
    caughtBy: 112,
    defects: () => ({ log: readingPastTheOldestRunning }),
  },
  {
    name: 'a trimmed log is passed over without a gap',
    scenario: 'changes',
    within: 100,
    caughtBy: 2,
    defects: () => ({ log: silentAboutTrimming }),
  },
  {
    name: 'what was not followed at the first read of a log is never sent',
    scenario: 'changes-of-keys',
    within: 60,
    caughtBy: 17,
    defects: () => ({ log: withTheFirstSieve }),
  },
  {
    name: 'what is refused is tried again without end',
    scenario: 'availability',
    within: 10,
    defects: () => ({ store: neverRefusing }),
  },
  {
    name: 'levels downgraded in silence',
    scenario: 'availability',
    within: 10,
    defects: () => ({ store: downgrading }),
  },
];

function ruleAOff(): Defects {
  const own = new Map<Process, Set<number>>();
  return {
    replica: (options) => new UnruledReplica(options),
    link: (link, { process }) => {
      const ballots = own.get(process) ?? new Set();
      own.set(process, ballots);
      return new RepairMarkingLink(link, ballots);
    },
  };
}
