import { NeolithError } from '@neolith/contracts';

/**
 * What the promise brings, unless that takes longer: then DATABASE_UNAVAILABLE, and what comes later is nobody's. For
 * those who ask whether the database answers, for whom "not within two seconds" is an answer.
 */
export async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new NeolithError('DATABASE_UNAVAILABLE', `The database did not answer within ${limitMs / 1_000} s.`, {
          details: { reason: 'slow' },
        }),
      );
    }, limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
    // Its failure is told to nobody any more, and must not end the process.
    work.catch(() => undefined);
  }
}
