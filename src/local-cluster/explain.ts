import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { ClusterError } from './cluster.ts';

/** What the file system said, as a sentence about the data directory. */
export function explainFileError(error: unknown, directory: string): ClusterError {
  if (error instanceof ClusterError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const where = `the data directory ${directory}`;
  switch (code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new ClusterError(`Cannot write to ${where}: permission denied. ${choose}`);
    case 'EEXIST':
    case 'ENOTDIR':
      return new ClusterError(`Cannot make ${where}: a file is in the way. ${choose}`);
    case 'ENOENT':
      return new ClusterError(`Cannot make ${where}: no directory can be made there. ${choose}`);
    case 'ENOSPC':
    case 'EDQUOT':
      return new ClusterError(`The disk that holds ${where} is full.`);
    default:
      return new ClusterError(`Cannot use ${where}: ${message}`);
  }
}

const choose = 'Choose another with --data-dir or QUORATE_DATA_DIR.';

/**
 * What Postgres said before it gave up, as a sentence; `output` is what it logged in this attempt.
 */
export function explainPostgres(
  output: string,
  { id, logFile }: { id: string; logFile: string },
): string {
  if (output.includes('No space left on device') || isFull(dirname(logFile)))
    return `The disk that holds ${id} is full.`;
  if (output.includes('loading shared libraries')) {
    return `The Postgres of ${id} cannot run on this system: a library that it needs is missing (see ${logFile}).`;
  }
  const reasons = output.split('\n').filter((line) => /\b(FATAL|PANIC|ERROR|error):/.test(line));
  const reason = reasons.at(-1)?.replace(/^.*?\b(FATAL|PANIC|ERROR|error):\s*/, '');
  return `The Postgres of ${id} did not start: ${reason ?? 'it gave no reason'} (see ${logFile}).`;
}

/**
 * On a full disk Postgres cannot even log why it gave up; it needs 16 MiB for a piece of its WAL.
 */
function isFull(directory: string): boolean {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize < 16 * 1_048_576;
}
