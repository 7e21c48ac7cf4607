import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

/** What a process holds once its garbage is collected, in KB. */
export interface Held {
  readonly heapKb: number;
  readonly residentKb: number;
}

/** A port that was free a moment ago: a process that is to be asked for its memory is given it at the start. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

/**
 * Has a Node.js process collect its garbage, and says what it holds then: by its inspector, which was
 * given the port (`--inspect-port`) and listens from now on.
 */
export async function heldBy(pid: number, port: number): Promise<Held> {
  process.kill(pid, 'SIGUSR1');
  const socket = new WebSocket(await inspectorAt(port));
  await once(socket, 'open');
  await ask(socket, 'HeapProfiler.enable');
  for (let time = 0; time < 2; time += 1) await ask(socket, 'HeapProfiler.collectGarbage');
  const used = await ask(socket, 'Runtime.getHeapUsage');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  socket.terminate();
  return {
    heapKb: Number(used.usedSize) / 1_024,
    residentKb: Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0),
  };
}

async function inspectorAt(port: number): Promise<string> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/json`);
      const [target] = (await response.json()) as { webSocketDebuggerUrl: string }[];
      if (target) return target.webSocketDebuggerUrl;
    } catch {
      // Its signal has not reached it yet.
    }
    await sleep(100);
  }
  throw new Error(`the inspector does not listen at port ${port}`);
}

async function ask(socket: WebSocket, method: string): Promise<{ usedSize?: number }> {
  socket.send(JSON.stringify({ id: 1, method }));
  for (;;) {
    const [data] = (await once(socket, 'message')) as [Buffer];
    const said = JSON.parse(data.toString()) as { id?: number; result?: { usedSize?: number } };
    if (said.id === 1) return said.result ?? {};
  }
}
