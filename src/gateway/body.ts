import type { IncomingMessage } from 'node:http';
import { StoreError } from '../errors.ts';

/** A refusal of the request itself, before there is anything to run. */
export class RefusedRequest extends Error {
  readonly status: number;
  /** Whether what is left of the request is not worth reading. */
  readonly mustClose: boolean;

  constructor(status: number, message: string, mustClose = false) {
    super(message);
    this.status = status;
    this.mustClose = mustClose;
  }
}

/**
 * Refuses a POST whose body is not plain JSON: forms and text need no preflight, so any page could
 * send them.
 */
export function checkContentType({ headers }: IncomingMessage): void {
  const [mediaType, ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  if (mediaType?.trim() !== 'application/json') {
    throw new RefusedRequest(
      415,
      'The body must be JSON: send "Content-Type: application/json"',
      true,
    );
  }
  const charset = parameters.map((part) => part.trim()).find((part) => part.startsWith('charset='));
  if (charset !== undefined && !['utf-8', 'utf8'].includes(charset.slice(8).replaceAll('"', ''))) {
    throw new RefusedRequest(415, 'The body must be in UTF-8', true);
  }
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    // A few bytes can unpack to gigabytes; documents and values are small.
    throw new RefusedRequest(415, 'The body must not be compressed', true);
  }
}

/** What a body may be, and who is told of each piece before it is kept, and may throw. */
interface BodyRules {
  readonly bytesMax: number;
  readonly keep: (bytes: number) => void;
}

/**
 * The body as text, counted while it arrives: a chunked body announces no length, and an announced
 * length may be a lie.
 * How long it may take is the server's `requestTimeout`. Errors: `RefusedRequest`, and those of `keep`.
 */
export async function readBody(request: IncomingMessage, rules: BodyRules): Promise<string> {
  const [only, ...rest] = await readChunks(request, rules);
  if (only === undefined) return '';
  return decodeUtf8(rest.length === 0 ? only : Buffer.concat([only, ...rest]));
}

/** By events, and not by an iterator, which costs more than all that is usually in a body. */
function readChunks(
  request: IncomingMessage,
  { bytesMax, keep }: BodyRules,
): Promise<readonly Buffer[]> {
  return new Promise((resolve, reject) => {
    const announced = Number(request.headers['content-length'] ?? 0);
    if (announced > bytesMax) return reject(tooLong(bytesMax));
    const chunks: Buffer[] = [];
    let bytes = 0;
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      try {
        if (bytes > bytesMax) throw tooLong(bytesMax);
        keep(chunk.length);
        chunks.push(chunk);
      } catch (error) {
        chunks.length = 0;
        request.off('data', take);
        request.pause(); // the refusal must still be written to this connection
        reject(error instanceof Error ? error : new Error('not kept', { cause: error }));
      }
    };
    request.on('data', take);
    request.once('error', reject);
    let hasEnded = false;
    request.once('close', () => {
      // An error is dear, and every request closes.
      if (!hasEnded) reject(new Error('the connection was closed before the body had ended'));
    });
    request.once('end', () => {
      hasEnded = true;
      resolve(chunks);
    });
  });
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function decodeUtf8(bytes: Buffer): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new RefusedRequest(400, 'The body is not well-formed UTF-8');
  }
}

function tooLong(bytesMax: number): RefusedRequest {
  return new RefusedRequest(413, `The body must be at most ${bytesMax} bytes`, true);
}

/** What to tell the client of a request that was refused before it was run. */
export function asStoreError(error: RefusedRequest): StoreError {
  return new StoreError('BAD_USER_INPUT', error.message);
}
