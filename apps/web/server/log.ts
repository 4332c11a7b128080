import pino from 'pino';

/**
 * One JSON line an entry on stderr. Written at once: a line that waits in a buffer is lost with the process whose
 * end it would explain. Secrets are never handed to it; the paths below are for headers logged by mistake.
 */
export const log = pino(
  {
    name: 'neolith-web',
    // As daemons write theirs: one question finds both.
    messageKey: 'message',
    formatters: { level: (label) => ({ level: label }) },
    level: process.env.NEOLITH_LOG_LEVEL ?? 'info',
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ['headers.authorization', 'headers.cookie', '*.secret', '*.password', 'url.password'],
  },
  pino.destination({ dest: 2, sync: true }),
);
