import { readFileSync } from 'node:fs';

/**
 * Loaded into a gateway before its program: its wall clock is as far off as a file says, in ms, and
 * steps when the file changes, as a clock does that somebody sets. Timers and durations stay right.
 */
const file = process.env['QUORATE_SOAK_CLOCK'];
const right = Date.now.bind(Date);
let offMs = 0;

function look(): void {
  try {
    offMs = Number(readFileSync(file!, 'utf8'));
  } catch {
    // as it was
  }
}

if (file !== undefined) {
  look();
  setInterval(look, 100).unref();
  Date.now = () => right() + offMs;
}
