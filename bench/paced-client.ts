import { Agent, request } from 'node:http';

/** One client of the bench of neighbours, in a process of its own: sends what it found to its parent. */
export interface PacedJob {
  readonly url: string;
  readonly key: string;
  readonly perSecond: number;
  readonly forMs: number;
}

export interface Figures {
  readonly p50: number;
  readonly p99: number;
  readonly served: number;
  readonly refused: number;
  readonly seconds: number;
}

const query = '{ get(keyspace: "carts", key: "k") { entry { current { value } } } }';
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const job = JSON.parse(process.argv[2] ?? '') as PacedJob;
process.send?.(await run(job));
process.exit(0);

/** Asks at a pace, whether it is answered or not, and measures from when it should have asked. */
async function run({ perSecond, forMs }: PacedJob): Promise<Figures> {
  const times: number[] = [];
  let refused = 0;
  const startMs = performance.now();
  const open: Promise<void>[] = [];
  for (let nth = 0; (nth / perSecond) * 1_000 < forMs; nth += 1) {
    const dueMs = startMs + (nth / perSecond) * 1_000;
    const waitMs = dueMs - performance.now();
    if (waitMs > 1) await new Promise((wake) => setTimeout(wake, waitMs));
    open.push(
      ask().then((text) => {
        if (text.includes('LIMIT_EXCEEDED')) refused += 1;
        else if (text.includes('"errors"')) throw new Error(text);
        else times.push(performance.now() - dueMs);
      }),
    );
  }
  await Promise.all(open);
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.floor(sorted.length * part)] ?? NaN;
  const seconds = (performance.now() - startMs) / 1_000;
  return { p50: at(0.5), p99: at(0.99), served: times.length, refused, seconds };
}

function ask(): Promise<string> {
  const body = JSON.stringify({ query });
  return new Promise((resolve, reject) => {
    const sent = request(
      job.url,
      {
        agent,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          authorization: `Bearer ${job.key}`,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve(Buffer.concat(chunks).toString()));
      },
    );
    sent.on('error', (error: NodeJS.ErrnoException) => {
      // The gateway had just closed what was idle for too long, and has read nothing.
      const isStale = sent.reusedSocket && error.code === 'ECONNRESET';
      if (isStale) ask().then(resolve, reject);
      else reject(error);
    });
    sent.end(body);
  });
}
