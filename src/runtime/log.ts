import { pino, type Logger } from 'pino';

export type Log = Logger;

/**
 * Structured lines on standard error; standard output belongs to the command's own answer (the
 * banner, a table).
 *
 * What may carry a secret is removed by name here, once, rather than remembered at every call.
 */
export function createLog(level: string): Log {
  return pino(
    {
      level,
      base: null,
      redact: {
        paths: [
          'authorization',
          '*.authorization',
          'password',
          '*.password',
          'url',
          '*.url',
          'cookie',
          '*.cookie',
        ],
        censor: '[hidden]',
      },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}

/** For tests and the simulator. */
export const silentLog: Log = pino({ level: 'silent' });
