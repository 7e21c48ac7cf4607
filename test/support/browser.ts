import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';
import type { Edge } from './edge.ts';

const places = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser'];

/** Where Chromium is; undefined when there is none. */
export const chromiumPath = places.find((place) => place !== undefined && existsSync(place));

/** Whether tests in a browser can run. Without one they fail where everything must be shown, and say so elsewhere. */
export function hasBrowser(): boolean {
  if (chromiumPath !== undefined) return true;
  const message =
    'There is no Chromium: install it, or name it with CHROMIUM, to run the tests in a browser.';
  if (process.env['CI'] === 'true') throw new Error(message);
  process.stderr.write(`${message}\n`);
  return false;
}

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

/** A browser without a window. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ ...(chromiumPath && { executablePath: chromiumPath }), args });
}

/**
 * A page that reaches the gateway and nothing else; `blocked` lists what it tried to.
 * It is tall, as an editor draws only what can be seen. `ownScripts`: it stands for a page of somebody
 * else, and does not keep to the gateway's policy for its pages.
 */
export async function openPage(
  browser: Browser,
  edge: Edge,
  { ownScripts = false } = {},
): Promise<{ page: Page; blocked: string[]; problems: string[] }> {
  const page = await browser.newPage({
    viewport: { width: 1400, height: 1600 },
    bypassCSP: ownScripts,
  });
  const blocked: string[] = [];
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  // What the gateway's own policy forbids its page to do.
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) problems.push(message.text());
  });
  await page.route('**/*', (route) => {
    const url = route.request().url();
    if (url.startsWith(`${edge.origin}/`) || /^(data|blob):/.test(url)) return route.continue();
    blocked.push(url);
    return route.abort();
  });
  return { page, blocked, problems };
}
