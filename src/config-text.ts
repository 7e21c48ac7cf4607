import { LineCounter, parseDocument } from 'yaml';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The value that a YAML (or JSON) text stands for, or where it is malformed: `3:5: …`, line and
 * column. Never quotes the text, which may hold a password.
 */
export function parseYaml(text: string): { value: unknown; problems: readonly string[] } {
  const lines = new LineCounter();
  // prettyErrors would quote the line.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problems = document.errors.map(({ message, pos }) => {
    const { line, col } = lines.linePos(pos[0]);
    return `${line}:${col}: ${message.split('\n')[0] ?? 'is not YAML'}`;
  });
  if (problems.length > 0) return { value: undefined, problems };
  try {
    return { value: document.toJS({ maxAliasCount: 0 }) as unknown, problems };
  } catch {
    // They can be cyclic, and can expand one line into gigabytes; a configuration needs neither.
    return { value: undefined, problems: ['1:1: YAML aliases (*name) are not supported'] };
  }
}

interface Substitution {
  readonly env: Environment;
  readonly problems: string[];
}

/**
 * Replaces `${NAME}` in every string by that environment variable; what is not set is listed by its
 * path.
 */
export function substitute(value: unknown, path: string, into: Substitution): unknown {
  if (typeof value === 'string') return substituteText(value, path, into);
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) => substitute(item, `${path}[${index}]`, into));
  }
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).map(([key, item]) => {
    return [key, substitute(item, path === '' ? key : `${path}.${key}`, into)] as const;
  });
  return Object.fromEntries(entries);
}

function substituteText(text: string, path: string, { env, problems }: Substitution): string {
  return text.replace(/\$?\$\{([^}]*)\}/g, (whole, variable: string) => {
    if (whole.startsWith('$$')) return whole.slice(1);
    const found = env[variable];
    if (found === undefined) {
      problems.push(`${path}: the environment variable ${variable} is not set`);
    }
    return found ?? '';
  });
}

/** A map of settings, as opposed to a list, a text or nothing. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
