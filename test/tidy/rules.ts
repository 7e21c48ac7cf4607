import ts from 'typescript';
import { annexes, floorOf, roomOf } from './floors.ts';
import { lineOf, parse, visit, type House, type Import, type Source } from './source.ts';

/** A place where the house is not tidy. */
export interface Violation {
  readonly rule: RuleName;
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

type Found = Omit<Violation, 'rule' | 'path'>;
type Rule = (source: Source, house: ReadonlyMap<string, Source>) => readonly Found[];

/** THE TABLE of rules. Each has a planted violation in test/fixtures/tidy-violations.ts. */
export const rules = {
  'every file stands on a floor': ({ path }) =>
    floorOf(roomOf(path)) >= 0 ? [] : [at(1, `no floor has "${roomOf(path) ?? path}"`)],

  'imports go down, or stay in the room': (source) =>
    source.imports.filter((one) => one.target && !mayImport(source.path, one.target)).map(upwards),

  'imports name a file of the house': (source, house) =>
    source.imports
      .filter(({ target }) => target && !house.has(target))
      .map(({ line, target }) => at(line, `there is no ${target ?? ''}`)),

  'imports make no circle': (source, house) => {
    const circle = circleFrom(source.path, house);
    return circle ? [at(1, circle.join(' → '))] : [];
  },

  'no folder or file for leftovers': ({ path }) =>
    path
      .replace(/\.ts$/, '')
      .split('/')
      .filter((name) => ['utils', 'util', 'types', 'common', 'helpers', 'misc'].includes(name))
      .map((name) => at(1, `"${name}" says nothing: name what is in it`)),

  'no barrels': ({ path, tree }) => {
    const isPassedOn = (node: ts.Statement): boolean =>
      ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined;
    const onlyPassesOn = tree.statements.length > 0 && tree.statements.every(isPassedOn);
    const isBarrel = path.endsWith('/index.ts') || onlyPassesOn;
    const stars = tree.statements.filter(
      (node) => ts.isExportDeclaration(node) && !node.exportClause && isPassedOn(node),
    );
    const found = stars.map((node) => at(lineOf(node), '"export *" hides where a name is from'));
    return isBarrel ? [...found, at(1, 'import from where a name is made')] : found;
  },

  'time, timers and chance come from runtime': (source) =>
    ['runtime', ...annexes].includes(roomOf(source.path) ?? '')
      ? []
      : [...chanceImports(source), ...clockUses(source)],

  'pg is only in replica/postgres': (source) =>
    packagesOutside(source, /^pg(-.*)?$/, ['src/replica/postgres/']),

  'graphql and ws are only at the edge': (source) =>
    packagesOutside(source, /^(@?graphql.*|ws)$/, ['src/graphql/', 'src/gateway/', 'src/apollo/']),

  '@apollo/client is only in apollo': (source) =>
    packagesOutside(source, /^@apollo\//, ['src/apollo/']),

  'no default exports': ({ tree }) =>
    nodes(tree, isDefaultExport).map((node) => at(lineOf(node), 'a default export has no name')),

  'no any': (source) =>
    styled(source, (node) => node.kind === ts.SyntaxKind.AnyKeyword).map((node) =>
      at(lineOf(node), '"any" turns the checks off: say unknown, and parse'),
    ),

  'no enums': (source) =>
    styled(source, ts.isEnumDeclaration).map((node) =>
      at(lineOf(node), 'a union of strings, or a table, says the same without code'),
    ),

  'at most 300 lines': ({ lines, generated }) =>
    generated || lines <= 300 ? [] : [at(301, `${lines} lines: this is two files`)],
} as const satisfies Record<string, Rule>;

export type RuleName = keyof typeof rules;

/** All that is untidy in the files under `src/`. */
export function violations(house: House): readonly Violation[] {
  const sources = Object.entries(house).map(([path, text]) => parse(path, text));
  const byPath = new Map(sources.map((source) => [source.path, source]));
  return Object.entries(rules).flatMap(([rule, check]: [string, Rule]) =>
    sources.flatMap((source) =>
      check(source, byPath).map((found) => ({
        ...found,
        rule: rule as RuleName,
        path: source.path,
      })),
    ),
  );
}

function at(line: number, message: string): Found {
  return { line, message };
}

function mayImport(from: string, to: string): boolean {
  const [own, other] = [roomOf(from), roomOf(to)];
  if (own === other) return true;
  const isAnnex = [own, other].some((room) => room !== undefined && annexes.includes(room));
  return !isAnnex && floorOf(other) > floorOf(own);
}

function upwards({ line, specifier }: Import): Found {
  return at(line, `"${specifier}" is not on a lower floor`);
}

/** A way back to `start` along imports, when there is one; only circles through `start` itself. */
function circleFrom(start: string, house: ReadonlyMap<string, Source>): string[] | undefined {
  const seen = new Set<string>();
  const search = (path: string, way: readonly string[]): string[] | undefined => {
    for (const { target } of house.get(path)?.imports ?? []) {
      if (target === start) return [...way, start];
      if (target === undefined || seen.has(target)) continue;
      seen.add(target);
      const found = search(target, [...way, target]);
      if (found) return found;
    }
    return undefined;
  };
  return search(start, [start]);
}

function packagesOutside(
  { path, imports }: Source,
  named: RegExp,
  rooms: readonly string[],
): Found[] {
  if (rooms.some((room) => path.startsWith(room))) return [];
  return imports
    .filter(({ specifier }) => named.test(packageOf(specifier)))
    .map(({ line, specifier }) => at(line, `"${specifier}" belongs in ${rooms.join(' and ')}`));
}

/**
 * The package of `graphql/language/ast`, `@graphql-tools/schema/x`, `node:crypto`: its name, with
 * the scope.
 */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

const clockModules = /^(node:)?(timers(\/promises)?|perf_hooks)$/;

function chanceImports({ imports }: Source): Found[] {
  const takesChance = ({ specifier, names }: Import): boolean =>
    clockModules.test(specifier) ||
    (/^(node:)?crypto$/.test(specifier) && names.some((name) => /^(random|getRandom)/.test(name)));
  return imports
    .filter(takesChance)
    .map(({ line, specifier }) =>
      at(line, `"${specifier}" gives time or chance: take a Clock or a Random`),
    );
}

const clockNames = new Set(['performance', 'setTimeout', 'setInterval', 'setImmediate']);
const clockCalls = new Set([
  'Date.now',
  'Math.random',
  'process.hrtime',
  'AbortSignal.timeout',
  'crypto.randomUUID',
  'crypto.randomBytes',
  'crypto.randomInt',
  'crypto.getRandomValues',
]);

function clockUses({ tree }: Source): Found[] {
  return nodes(tree, isClockUse).map((node) =>
    at(lineOf(node), `${node.getText(tree)}: take a Clock or a Random instead`),
  );
}

function isClockUse(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node)) return clockCalls.has(node.getText());
  if (ts.isNewExpression(node) || ts.isCallExpression(node)) {
    // `new Date(ms)` only changes the form of a time that was handed in; `new Date()` and `Date()`
    // ask for it.
    const asksNow = !node.arguments?.length || ts.isCallExpression(node);
    return asksNow && ts.isIdentifier(node.expression) && node.expression.text === 'Date';
  }
  return ts.isIdentifier(node) && clockNames.has(node.text) && isReference(node);
}

/**
 * Whether an identifier stands for the global of that name, and not for somebody's property or
 * parameter.
 */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) {
    return parent.expression.getText() === 'globalThis';
  }
  return !('name' in parent && parent.name === node) || ts.isShorthandPropertyAssignment(parent);
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportSpecifier(node)) return node.name.text === 'default';
  return ts.canHaveModifiers(node)
    ? (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)
    : false;
}

function styled(source: Source, wanted: (node: ts.Node) => boolean): ts.Node[] {
  return source.generated ? [] : nodes(source.tree, wanted);
}

function nodes(tree: ts.Node, wanted: (node: ts.Node) => boolean): ts.Node[] {
  const found: ts.Node[] = [];
  visit(tree, (node) => {
    if (wanted(node)) found.push(node);
  });
  return found;
}
