import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, readdirSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** In the header of the first page of a WAL segment; in the control file it comes first. */
const placeInSegment = 24;

/**
 * Gives a database cluster that is not running a system identifier of its own. `pg_resetwal` cannot,
 * and is not among the embedded binaries.
 */
export function giveSystemIdentifier(directory: string): void {
  const identifier = randomBytes(8);
  const path = join(directory, 'global', 'pg_control');
  const control = readFileSync(path);
  const checksumAt = placeOfChecksum(control);
  identifier.copy(control);
  control.writeUInt32LE(crc32c(control.subarray(0, checksumAt)), checksumAt);
  writeFileSync(path, control);
  const segments = join(directory, 'pg_wal');
  for (const name of readdirSync(segments).filter((entry) => /^[0-9A-F]{24}$/.test(entry))) {
    const segment = openSync(join(segments, name), 'r+');
    writeSync(segment, identifier, 0, identifier.length, placeInSegment);
    closeSync(segment);
  }
}

/** Its place differs between versions of Postgres: it is where the checksum of all before it is found. */
function placeOfChecksum(control: Buffer): number {
  for (let at = 128; at < 512; at += 4) {
    if (control.readUInt32LE(at) === crc32c(control.subarray(0, at))) return at;
  }
  throw new Error('the control file of Postgres has no checksum where one was looked for');
}

/** The cyclic redundancy check of Castagnoli's polynomial, which zlib does not have. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xff_ff_ff_ff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82_f6_3b_78 : 0);
  }
  return ~crc >>> 0;
}
