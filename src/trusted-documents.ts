import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { isRecord } from './config-text.ts';
import type { Config } from './config.ts';
import type { DocumentPolicy } from './graphql/document-admission.ts';

/** What the configuration says about documents, with the trusted ones read. */
export async function documentPolicy(settings: Config['documents']): Promise<DocumentPolicy> {
  const { trusted, tenants, path, automatic } = settings;
  const { enabled, ...limits } = automatic;
  return {
    trusted,
    tenants,
    ...(path !== undefined && { documents: await readTrustedDocuments(path) }),
    ...(enabled && { automatic: limits }),
  };
}

/**
 * The trusted documents at `path`, by id: of a JSON file that maps ids to texts, as tools that
 * extract documents write it; or of a folder, of its JSON files and of its `.graphql` files, whose
 * names are their ids. Rejects with one sentence.
 */
export async function readTrustedDocuments(path: string): Promise<ReadonlyMap<string, string>> {
  try {
    const files = (await stat(path)).isDirectory() ? await filesOf(path) : [path];
    const found = new Map<string, string>();
    for (const file of files)
      for (const [id, text] of documentsIn(file, await readFile(file, 'utf8'))) {
        if (found.has(id)) throw new Error(`"${id}" is there twice`);
        found.set(id, text);
      }
    return found;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Cannot read the trusted documents at ${path}: ${reason}`, { cause: error });
  }
}

async function filesOf(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder);
  const known = names.filter((name) => ['.json', '.graphql', '.gql'].includes(extname(name)));
  return known.sort().map((name) => join(folder, name));
}

function documentsIn(file: string, text: string): readonly (readonly [string, string])[] {
  const extension = extname(file);
  if (extension !== '.json') return [[basename(file, extension), text]];
  const parsed: unknown = JSON.parse(text);
  const entries = isRecord(parsed) ? Object.entries(parsed) : [];
  return entries.map(([id, document]) => {
    if (typeof document === 'string') return [id, document];
    throw new Error(`"${id}" in ${basename(file)} must be the text of a document`);
  });
}
