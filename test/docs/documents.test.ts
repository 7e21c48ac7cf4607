import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from '@jest/globals';
import { isCommand } from '../../src/cli/help.ts';

/** What readers are told to open and to run must be there. */
const top = new URL('../../', import.meta.url).pathname;
const documents = [
  ...readdirSync(top).filter((path) => path.endsWith('.md')),
  ...['docs', 'bench', 'deploy', 'examples', 'test'].flatMap((folder) =>
    readdirSync(join(top, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.md') && !path.includes('node_modules'))
      .map((path) => join(folder, path)),
  ),
];
const textOf = (path: string): string => readFileSync(join(top, path), 'utf8');
const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };

/** The names under which a page that is shown by a forge can be entered. */
function anchorsOf(text: string): readonly string[] {
  const headings = [...text.matchAll(/^#+ +(.+)$/gm)].map(([, heading = '']) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function deadLinks(path: string, text: string): readonly string[] {
  const prose = text.replaceAll(/```[^]*?```/g, '').replaceAll(/`[^`\n]*`/g, '');
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [file = '', anchor] = target.split('#');
      const place = file === '' ? path : normalize(join(dirname(path), file));
      if (!existsSync(join(top, place))) return true;
      return anchor !== undefined && !anchorsOf(textOf(place)).includes(anchor);
    });
}

function unknownCommands(text: string): readonly string[] {
  const named = (pattern: RegExp): readonly string[] =>
    [...text.matchAll(pattern)].map(([, name = '']) => name);
  return [
    ...named(/\bnpm run (?:--silent )?([a-z:]+)/g).filter((name) => scripts[name] === undefined),
    ...named(/(?:^|`)quorate ([a-z]+)/gm).filter((name) => !isCommand(name)),
    ...named(/\bnode ((?:src|test|bench|examples)\/[\w./-]+)/g).filter(
      (file) => !existsSync(join(top, file)),
    ),
  ];
}

test('every link of a document to another one, and into it, leads somewhere', () => {
  expect(documents.length).toBeGreaterThan(30);
  const dead = documents.flatMap((path) =>
    deadLinks(path, textOf(path)).map((target) => `${path}: ${target}`),
  );
  expect(dead).toEqual([]);
});

test('every command that a document names is there', () => {
  const unknown = documents.flatMap((path) =>
    unknownCommands(textOf(path)).map((name) => `${path}: ${name}`),
  );
  expect(unknown).toEqual([]);
});

test('what is not there would be found: the control', () => {
  const text = `[a](docs/api.md) [b](nowhere.md) [c](README.md#start) [d](README.md#nothing) \`[e](code.md)\``;
  expect(deadLinks('README.md', text)).toEqual(['nowhere.md', 'README.md#nothing']);
  const commands =
    'Run `npm run check`, `npm run fly`, `quorate status`, `quorate fly x`, `node src/fly.ts`.';
  expect(unknownCommands(commands)).toEqual(['fly', 'fly', 'src/fly.ts']);
});
