import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { WebSocket } from 'ws';
import { apolloTour } from '../support/apollo-tour.ts';
import { hasBrowser, launchBrowser, openPage } from '../support/browser.ts';
import { send } from '../support/edge.ts';
import { startRealEdge, type RealEdge } from '../support/real-edge.ts';

let edge: RealEdge;
beforeAll(async () => void (edge = await startRealEdge()));
afterAll(() => edge.close());

const expected = {
  written: { a: 1 },
  read: { a: 1 },
  cached: { a: 2 },
  events: expect.arrayContaining(['FeedBookmark', 'EntryChanged']),
  errorCode: 'BAD_USER_INPUT',
};

function writeElsewhere(key: string): (context: string) => Promise<unknown> {
  const query =
    'mutation($k: String!, $c: CausalContext) { put(keyspace: "demo", key: $k, value: {a: 2}, context: $c) { writeId } }';
  return async (c) => {
    const reply = await send(edge, query, { variables: { k: key, c } });
    expect(reply.errors).toBeUndefined();
  };
}

test('Apollo Client in Node: query, mutation, subscription, and a cache that the subscription keeps fresh', async () => {
  const key = 'apollo-node';
  const addresses = { url: edge.url, socketUrl: edge.socketUrl, webSocketImpl: WebSocket };
  expect(await apolloTour(addresses, { key, writeElsewhere: writeElsewhere(key) })).toEqual(
    expected,
  );
});

test('Apollo Client in Chromium: the same', async () => {
  if (!hasBrowser()) return;
  const bundle = await build({
    stdin: {
      contents: "export { apolloTour } from './test/support/apollo-tour.ts';",
      resolveDir: process.cwd(),
      loader: 'ts',
    },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'tour',
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  const browser = await launchBrowser();
  try {
    const { page, blocked, problems } = await openPage(browser, edge, { ownScripts: true });
    const key = 'apollo-chromium';
    await page.exposeFunction('writeElsewhere', writeElsewhere(key));
    await page.goto(`${edge.origin}/healthz`);
    await page.addScriptTag({ content: bundle.outputFiles[0]?.text ?? '' });
    const program = `tour.apolloTour(${JSON.stringify({ url: edge.url, socketUrl: edge.socketUrl })}, { key: '${key}', writeElsewhere })`;
    expect(await page.evaluate(program)).toEqual(expected);
    expect({ blocked, problems }).toEqual({ blocked: [], problems: [] });
  } finally {
    await browser.close();
  }
});
