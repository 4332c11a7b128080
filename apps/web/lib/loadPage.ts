import { isNeolithError } from '@neolith/contracts';
import { notFound } from 'next/navigation';

/** What a page was made of, or why it can't be: an error whose message is meant for the reader. */
export type Loaded<T> = { data: T } | { refusal: { code: string; message: string } };

/**
 * Reads what a page needs. Where the thing does not exist the page is Next's "not found"; where the engine refuses with
 * a message for people the page can show it (production hides the messages of errors that are thrown); the rest is thrown.
 */
export async function loadPage<T>(read: () => Promise<T>): Promise<Loaded<T>> {
  try {
    return { data: await read() };
  } catch (error) {
    if (!isNeolithError(error)) throw error;
    if (error.status === 404) notFound();
    if (error.code === 'INTERNAL') throw error;
    return { refusal: { code: error.code, message: error.message } };
  }
}
