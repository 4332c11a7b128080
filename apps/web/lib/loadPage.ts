import { isNeolithError } from '@neolith/contracts';
import type { WorkEngine } from '@neolith/work-engine';
import { notFound } from 'next/navigation';
import { isDatabaseTrouble } from '@/server/http/databaseTrouble';
import { log } from '@/server/log';
import { requireSession } from '@/server/session';

/** What a page was made of, or why it can't be: in words that are meant for the reader. */
export type Loaded<T> = { data: T } | { refusal: { code: string; message: string } };

/**
 * Reads what a page needs with the visitor's engine; without a session the visitor is sent to sign in. Where the thing
 * does not exist the page is Next's "not found". Where the engine refuses, or its database is away, the page can say so:
 * production hides the messages of errors that are thrown. The rest is thrown, to the error page.
 */
export async function loadPage<T>(read: (engine: WorkEngine) => Promise<T>): Promise<Loaded<T>> {
  try {
    const { engine } = await requireSession();
    return { data: await read(engine) };
  } catch (error) {
    if (isDatabaseTrouble(error)) {
      log.warn({ err: error }, 'A page could not be made: the database does not answer');
      const message = 'The dashboard comes back by itself as soon as PostgreSQL does.';
      return { refusal: { code: 'DATABASE_UNAVAILABLE', message } };
    }
    if (!isNeolithError(error)) throw error;
    if (error.status === 404) notFound();
    if (error.code === 'INTERNAL') throw error;
    return { refusal: { code: error.code, message: error.message } };
  }
}
