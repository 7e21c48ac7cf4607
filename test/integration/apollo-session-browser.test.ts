import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import {
  seesLag,
  startLaggingReplica,
  type LaggingReplica,
  type OldKey,
} from '../apollo/lagging-replica.ts';
import { hasBrowser, launchBrowser, openPage } from '../support/browser.ts';

let world: LaggingReplica;
let browser: Browser;
let program: string;

const rounds = 20;
const all = (value: string): string[] => Array<string>(rounds).fill(value);

async function load(page: Page): Promise<void> {
  await page.goto(`${world.balancer.origin}/healthz`);
  await page.addScriptTag({ content: program });
}

/** What a page that writes and reads back key after key finds at this level. */
async function findings(level: string, options = '{}'): Promise<readonly unknown[]> {
  const keys = await world.oldKeys(rounds);
  world.lag.hold();
  const edge = { ...world.writer, ...world.balancer };
  const { page, blocked, problems } = await openPage(browser, edge, { ownScripts: true });
  await load(page);
  const found = await page.evaluate<unknown[]>(
    `program.writeAndReadBack(program.openPage('/graphql', ${options}), ${JSON.stringify(keys)}, '${level}')`,
  );
  expect({ blocked, problems }).toEqual({ blocked: [], problems: [] });
  // Every write went to the one gateway, and every read to the other.
  expect(world.balancer.served.splice(0)).toEqual(keys.flatMap(() => [0, 1]));
  await page.close();
  return found;
}

/**
 * A page in Chromium, a balancer that gives each of its requests to the next gateway, and a replica
 * that one gateway's writes do not reach and that the other one asks first.
 */
(hasBrowser() ? describe : describe.skip)('Apollo Client in Chromium', () => {
  beforeAll(async () => {
    world = await startLaggingReplica();
    browser = await launchBrowser();
    const bundle = await build({
      stdin: {
        contents: "export { openPage, writeAndReadBack } from './test/apollo/program.ts';",
        resolveDir: process.cwd(),
        loader: 'ts',
      },
      bundle: true,
      write: false,
      format: 'iife',
      globalName: 'program',
      define: { 'process.env.NODE_ENV': '"production"' },
    });
    program = bundle.outputFiles[0]?.text ?? '';
  });
  afterAll(async () => {
    await browser.close();
    await world.close();
  });
  // The writer's turn comes first.
  beforeEach(() => {
    world.balancer.served.length = 0;
  });
  afterEach(() => world.lag.release());

  test('writes and reads back at SESSION, and never sees the old value', async () => {
    expect(await findings('SESSION')).toEqual(all('new'));
  });

  test('sees the old value at ONE: the replica lags, and the test can tell', async () => {
    await seesLag(() => findings('ONE'));
  });

  test('sees the old value at SESSION when it carries no session', async () => {
    await seesLag(() => findings('SESSION', "'bare'"));
  });

  test('goes on with its session when it is loaded again, if that is in sessionStorage', async () => {
    const { page } = await openPage(
      browser,
      { ...world.writer, ...world.balancer },
      { ownScripts: true },
    );
    const writeAndReload = async (opened: string, old: OldKey | undefined): Promise<unknown> => {
      await load(page);
      await page.evaluate(`${opened}.write(${JSON.stringify(old)})`);
      await page.reload();
      await page.addScriptTag({ content: program });
      return page.evaluate(`${opened}.read('${old?.key ?? ''}', 'SESSION')`);
    };
    const stored = "program.openPage('/graphql', { storage: sessionStorage })";
    await seesLag(async () => {
      const [kept, lost] = await world.oldKeys(2);
      world.lag.hold();
      expect(await writeAndReload(stored, kept)).toBe('new');
      const found = await writeAndReload("program.openPage('/graphql')", lost);
      expect(world.balancer.served.splice(0)).toEqual([0, 1, 0, 1]);
      return [found];
    });
    await page.close();
  });
});
