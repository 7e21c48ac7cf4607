import ts from 'typescript';

/** A file of the house: its path from the top of the repository, and its text. */
export interface House {
  readonly [path: string]: string;
}

/**
 * One import of a file, whatever its form: `import`, `import type`, `export … from`, `import()`,
 * `import('…').T`.
 */
export interface Import {
  readonly specifier: string;
  /** The path of the file that it names, when it names one of ours. */
  readonly target: string | undefined;
  /** The names taken from it; empty when all of it is. */
  readonly names: readonly string[];
  readonly line: number;
}

export interface Source {
  readonly path: string;
  readonly tree: ts.SourceFile;
  readonly imports: readonly Import[];
  readonly lines: number;
  /** Written by `npm run codegen`: its place matters, its style does not. */
  readonly generated: boolean;
}

export function parse(path: string, text: string): Source {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const imports: Import[] = [];
  visit(tree, (node) => {
    const found = importOf(node);
    if (!found) return;
    const { specifier, names } = found;
    imports.push({ specifier, names, target: targetOf(path, specifier), line: lineOf(node) });
  });
  const lines = text.trimEnd().split('\n').length;
  return { path, tree, imports, lines, generated: path.endsWith('.generated.ts') };
}

/** Every node of the tree, parents first. */
export function visit(node: ts.Node, look: (node: ts.Node) => void): void {
  look(node);
  ts.forEachChild(node, (child) => {
    visit(child, look);
  });
}

/** The line of a node, counted from 1. */
export function lineOf(node: ts.Node): number {
  const tree = node.getSourceFile();
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
}

function importOf(node: ts.Node): { specifier: string; names: readonly string[] } | undefined {
  if (ts.isImportDeclaration(node)) {
    const bindings = node.importClause?.namedBindings;
    const names = bindings && ts.isNamedImports(bindings) ? bindings.elements : [];
    return told(node.moduleSpecifier, names);
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
    const names =
      node.exportClause && ts.isNamedExports(node.exportClause) ? node.exportClause : undefined;
    return told(node.moduleSpecifier, names?.elements ?? []);
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return told(node.argument.literal);
  }
  if (ts.isCallExpression(node) && isImportCall(node)) return told(node.arguments[0]);
  return undefined;
}

function told(
  specifier: ts.Node | undefined,
  names: readonly (ts.ImportSpecifier | ts.ExportSpecifier)[] = [],
): { specifier: string; names: readonly string[] } | undefined {
  if (!specifier || !ts.isStringLiteralLike(specifier)) return undefined;
  return {
    specifier: specifier.text,
    names: names.map((one) => (one.propertyName ?? one.name).text),
  };
}

function isImportCall({ expression }: ts.CallExpression): boolean {
  const called = ts.isIdentifier(expression) ? expression.text : '';
  return expression.kind === ts.SyntaxKind.ImportKeyword || called === 'require';
}

function targetOf(path: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return new URL(specifier, `file:///${path}`).pathname.slice(1);
}
