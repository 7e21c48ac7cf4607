import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { hasBrowser, launchBrowser, openPage } from '../support/browser.ts';
import { send } from '../support/edge.ts';
import { startRealEdge, type RealEdge } from '../support/real-edge.ts';

let edge: RealEdge;
beforeAll(async () => void (edge = await startRealEdge()));
afterAll(() => edge.close());

test('GraphiQL writes, shows a conflict and follows changes, with every other host out of reach', async () => {
  if (!hasBrowser()) return;
  const browser = await launchBrowser();
  try {
    const { page, blocked, problems } = await openPage(browser, edge);
    const sockets: string[] = [];
    page.on('websocket', (socket) => sockets.push(socket.url()));
    await page.goto(edge.url);

    await run(page, 'PutThenGet');
    await shows(page, '"value": {', '"hello": "world"', '"level": "QUORUM"');
    await run(page, 'Conflict');
    await shows(page, '"inConflict": true', '"apples"', '"pears"');
    await run(page, 'Changes');
    await shows(page, '"__typename": "FeedBookmark"');
    await send(edge, 'mutation { put(keyspace: "demo", key: "seen-live", value: 42) { writeId } }');
    await shows(page, '"key": "seen-live"', '"value": 42');

    expect(sockets).toEqual([edge.socketUrl]);
    expect({ blocked, problems }).toEqual({ blocked: [], problems: [] });
  } finally {
    await browser.close();
  }
});

test('the page is small, and its files are kept by the browser for good', async () => {
  const page = await fetch(edge.url, { headers: { accept: 'text/html' } });
  const html = await page.text();
  expect(html.length).toBeLessThan(2_000);
  expect(html).not.toMatch(/https?:\/\//);
  const paths = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '');
  expect(paths.length).toBeGreaterThan(2);
  for (const path of paths) {
    const file = await fetch(`${edge.origin}${path}`);
    expect([path, file.status, file.headers.get('cache-control')]).toEqual([
      path,
      200,
      'public, max-age=31536000, immutable',
    ]);
    await file.body?.cancel();
  }
});

async function run(page: Page, tab: string): Promise<void> {
  await page.getByRole('tab', { name: tab }).click();
  const operation = new RegExp(`(mutation|subscription)\\s${tab}`);
  await page
    .locator('.graphiql-query-editor')
    .filter({ hasText: operation })
    .waitFor({ timeout: 20_000 });
  await page.locator('.graphiql-execute-button').click();
}

/** GraphiQL learns the name of an operation some time after it shows its text: then it sends nothing. */
const tooEarly = 'Cannot infer operation';

/** Waits until the answer shows all of these. */
async function shows(page: Page, ...texts: readonly string[]): Promise<void> {
  const answer = page.locator('section.result-window');
  let shown = '';
  for (let tries = 0; tries < 150; tries++) {
    // The editor draws with no-break spaces.
    shown = (await answer.innerText()).replaceAll('\u00a0', ' ');
    if (texts.every((text) => shown.includes(text))) return;
    if (shown.includes(tooEarly)) await page.locator('.graphiql-execute-button').click();
    await page.waitForTimeout(100);
  }
  throw new Error(`the answer does not show ${texts.join(', ')}, but ${shown}`);
}
