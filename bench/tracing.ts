// What tracing costs a request that is not traced: `npm run bench:tracing`.
//
// Every place that could open a span is passed as often as a QUORUM put passes it (1 request, 1 field, 1 operation of the
// coordinator, 3 replica calls), with and without the seam around the same work.
import { traced } from '../src/coordinator/traced.ts';
import { tracedCall } from '../src/replica/traced-call.ts';
import { noTracing } from '../src/runtime/tracing.ts';

const rounds = 2_000_000;
const receipt = {
  replicationFactor: 3,
  required: 2,
  answered: 3,
  stale: 0,
  repaired: 0,
  hinted: 0,
  replicas: [],
  epoch: 1,
  elapsedMs: 1,
};
const result = Promise.resolve({ receipt });
const work = (): Promise<{ receipt: typeof receipt }> => result;
const plan = { need: 2, writeBack: false, startMs: 0, deadlineMs: 1 };
const replica = { id: 'r1', zone: undefined };

function plain(): void {
  for (let call = 0; call < 6; call++) void work();
}

function through(): void {
  void (noTracing.isOn ? undefined : work());
  void (noTracing.isOn ? undefined : work());
  void traced({ tracing: noTracing }, { name: 'write', plan }, work);
  for (let call = 0; call < 3; call++) void tracedCall(noTracing, { replica, call: 'swap' }, work);
}

function nsOf(one: () => void): number {
  const startedMs = performance.now();
  for (let round = 0; round < rounds; round++) one();
  return ((performance.now() - startedMs) * 1e6) / rounds;
}

for (const one of [plain, through]) nsOf(one); // compiled
const [without, with_] = [nsOf(plain), nsOf(through)];
process.stdout.write(
  `without the seam ${without.toFixed(0)} ns, with it ${with_.toFixed(0)} ns: ${(with_ - without).toFixed(0)} ns a request\n`,
);
