import { connect, type Socket } from 'node:net';
import { seededRandom } from '../src/runtime/random.ts';

/**
 * One client of the bench of neighbours, in a process of its own for as long as the bench runs: its
 * parent tells it what to do next, and is told what it found.
 *
 * It asks when it is time to, whether it has been answered or not. It speaks to sockets itself: Node's
 * HTTP client would take as much of a shared processor for one request as the gateway does.
 */
export interface PacedJob {
  readonly perSecond: number;
  readonly forMs: number;
  /** What was asked before is asked, and not told of. */
  readonly skipMs: number;
  /** When requests come: at random, at so many a second. */
  readonly seed: number;
}

export interface Figures {
  /** Of answers, in ms, in order. */
  readonly times: readonly number[];
  readonly served: number;
  readonly refused: number;
  /** Of those that were not told of. */
  readonly servedBefore: number;
  /** So much of a processor the client took, from 0 to 1. */
  readonly busy: number;
}

const [host = '', key = ''] = process.argv.slice(2);
const query = '{ get(keyspace: "carts", key: "k") { entry { current { value } } } }';
const body = JSON.stringify({ query });
const wire = [
  'POST /graphql HTTP/1.1',
  `host: ${host}`,
  'content-type: application/json',
  'accept: application/json',
  `authorization: Bearer ${key}`,
  `content-length: ${Buffer.byteLength(body)}`,
  '',
  body,
].join('\r\n');

interface Line {
  readonly socket: Socket;
  text: string;
  done: ((answer: string) => void) | undefined;
}

const idle: Line[] = [];

process.on('message', (job: PacedJob) => {
  void run(job).then((figures) => process.send?.(figures));
});
process.on('disconnect', () => process.exit(0));

/** From when it was sent: nobody waits before sending, so nothing is left out by that. */
async function run({ perSecond, forMs, skipMs, seed }: PacedJob): Promise<Figures> {
  const random = seededRandom(seed);
  const figures = { times: [] as number[], served: 0, refused: 0, servedBefore: 0 };
  const startMs = performance.now();
  const usedBefore = process.cpuUsage();
  const open: Promise<void>[] = [];
  let dueMs = startMs;
  for (;;) {
    dueMs += (-Math.log(1 - random.next()) / perSecond) * 1_000;
    if (dueMs >= startMs + forMs) break;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0.5) await new Promise((wake) => setTimeout(wake, waitMs));
    const isTold = dueMs >= startMs + skipMs;
    const sentMs = performance.now();
    open.push(
      ask().then((answer) => {
        const isServed = answer.startsWith('HTTP/1.1 200') && !answer.includes('"errors"');
        if (!isServed && !answer.includes('LIMIT_EXCEEDED')) throw new Error(answer);
        if (!isTold) figures.servedBefore += isServed ? 1 : 0;
        else if (!isServed) figures.refused += 1;
        else {
          figures.served += 1;
          figures.times.push(performance.now() - sentMs);
        }
      }),
    );
  }
  await Promise.all(open);
  const { user, system } = process.cpuUsage(usedBefore);
  figures.times.sort((a, b) => a - b);
  return { ...figures, busy: (user + system) / 1_000 / (performance.now() - startMs) };
}

function ask(): Promise<string> {
  return new Promise((resolve) => {
    const line = idle.pop() ?? opened();
    line.done = resolve;
    line.socket.write(wire);
  });
}

function opened(): Line {
  const [name = '', port] = host.split(':');
  const line: Line = { socket: connect(Number(port), name), text: '', done: undefined };
  line.socket.setNoDelay(true).setEncoding('latin1');
  line.socket.on('data', (piece: string) => {
    line.text += piece;
    if (!isWhole(line.text)) return;
    const { text, done } = line;
    line.text = '';
    line.done = undefined;
    idle.push(line);
    done?.(text);
  });
  line.socket.on('close', () => {
    // The gateway closes what has been idle for long.
    const at = idle.indexOf(line);
    if (at >= 0) idle.splice(at, 1);
    if (line.done) throw new Error('the gateway closed a connection on which it was asked');
  });
  return line;
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = /content-length: (\d+)/i.exec(text)?.[1];
  if (length === undefined) return text.endsWith('\r\n0\r\n\r\n');
  return text.length >= end + 4 + Number(length);
}
