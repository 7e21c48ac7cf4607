import { isAscii } from 'node:buffer';
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
  const isUsual = headers['content-type'] === 'application/json';
  if (isUsual && headers['content-encoding'] === undefined) return;
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

/** Who keeps the bytes of a body while it comes, and may throw. */
interface Keeper {
  grow(bytes: number): void;
}

/**
 * The body as text, counted while it arrives: a chunked body announces no length, and an announced
 * length may be a lie. By events, and not by an iterator, which costs more than all that is usually in
 * a body.
 * How long it may take is the server's `requestTimeout`. Errors: `RefusedRequest`, and those of `keeper`.
 */
export function readBody(
  request: IncomingMessage,
  bytesMax: number,
  keeper: Keeper,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const announced = Number(request.headers['content-length'] ?? 0);
    if (announced > bytesMax) return reject(tooLong(bytesMax));
    const chunks: Buffer[] = [];
    let bytes = 0;
    let hasEnded = false;
    const refuse = (error: unknown): void =>
      reject(error instanceof Error ? error : new Error('not kept', { cause: error }));
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      try {
        if (bytes > bytesMax) throw tooLong(bytesMax);
        keeper.grow(chunk.length);
        chunks.push(chunk);
      } catch (error) {
        chunks.length = 0;
        request.off('data', take);
        request.pause(); // the refusal must still be written to this connection
        refuse(error);
      }
    };
    request.on('data', take);
    request.on('error', reject);
    request.on('close', () => {
      // An error is dear, and every request closes.
      if (!hasEnded) reject(new Error('the connection was closed before the body had ended'));
    });
    request.on('end', () => {
      hasEnded = true;
      try {
        resolve(decodeUtf8(chunks));
      } catch (error) {
        refuse(error);
      }
    });
  });
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function decodeUtf8(chunks: readonly Buffer[]): string {
  const [only = Buffer.alloc(0)] = chunks;
  const bytes = chunks.length > 1 ? Buffer.concat(chunks) : only;
  // ASCII is the same in both, and most bodies are nothing else.
  if (isAscii(bytes)) return bytes.toString('latin1');
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
