import { levels, type LevelName } from '../consistency/levels.ts';
import { badInput } from '../errors.ts';
import type { Preferences } from './request-context.ts';

/**
 * Names of what a request says about consistency outside its document; the same as header and in
 * `connection_init`.
 */
export const consistencyHeader = 'quorate-consistency';
export const sessionHeader = 'quorate-session';

/**
 * Reads `quorate-consistency` (`QUORUM` for reads and writes, or `read=ONE, write=ALL`) and
 * `quorate-session`. The operation's own `extensions.session` goes before the latter: a socket has
 * headers only once, and a token may be longer than a proxy lets a header be. Empty, it says that
 * there is none yet.
 */
export function preferencesFrom(
  header: (name: string) => string | undefined,
  extensions: unknown,
): Preferences {
  const stated = { ...levelsFrom(header(consistencyHeader)), ...traceFrom(header, extensions) };
  const session = (extensions as { readonly session?: unknown } | null | undefined)?.session;
  if (session === undefined) return { ...stated, session: header(sessionHeader) || undefined };
  if (typeof session !== 'string')
    throw badInput('Extension "session" must be a string', 'extensions.session');
  return { ...stated, session: session || undefined, sessionIn: 'extensions' };
}

/** `traceparent` and `tracestate` of W3C Trace Context; a socket says them with each operation. */
function traceFrom(
  header: (name: string) => string | undefined,
  extensions: unknown,
): Pick<Preferences, 'trace'> {
  const own = (extensions ?? {}) as {
    readonly traceparent?: unknown;
    readonly tracestate?: unknown;
  };
  const traceparent = own.traceparent ?? header('traceparent');
  if (typeof traceparent !== 'string') return {};
  const tracestate = own.traceparent === undefined ? header('tracestate') : own.tracestate;
  return { trace: { traceparent, ...(typeof tracestate === 'string' && { tracestate }) } };
}

function levelsFrom(text: string | undefined): { read?: LevelName; write?: LevelName } {
  if (text === undefined || text.trim() === '') return {};
  const parts = text.split(',').map((part) => part.split('=').map((side) => side.trim()));
  const [only] = parts;
  if (parts.length === 1 && only?.length === 1) {
    const level = levelNamed(only[0], text);
    return { read: level, write: level };
  }
  const found: { read?: LevelName; write?: LevelName } = {};
  for (const [side, name] of parts) {
    if (side !== 'read' && side !== 'write') throw malformed(text);
    found[side] = levelNamed(name, text);
  }
  return found;
}

function levelNamed(name: string | undefined, text: string): LevelName {
  if (name !== undefined && Object.hasOwn(levels, name)) return name as LevelName;
  throw malformed(text);
}

function malformed(text: string): Error {
  const names = Object.keys(levels).join(', ');
  const message = `Header "${consistencyHeader}" must be a level (${names}) or "read=<level>, write=<level>"`;
  return badInput(message, consistencyHeader, { value: text.slice(0, 100) });
}
