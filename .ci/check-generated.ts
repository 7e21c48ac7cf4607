/** Fails when a generated file is not what `npm run codegen` would write now. Writes nothing. */
import { readFileSync } from 'node:fs';
import { generate } from '@graphql-codegen/cli';
import config from '../codegen.ts';

interface Output {
  readonly filename: string;
  readonly content: string;
}

const files = (await generate({ ...config, silent: true }, false)) as readonly Output[];
const stale = files.filter(({ filename, content }) => readText(filename) !== content);
for (const { filename } of stale)
  console.error(`${filename} is older than schema.graphql: run "npm run codegen"`);
if (files.length === 0) console.error('nothing is generated: codegen.ts names no file');
process.exitCode = stale.length === 0 && files.length > 0 ? 0 : 1;

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
