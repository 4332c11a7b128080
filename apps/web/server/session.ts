import { isNeolithError } from '@neolith/contracts';
import type { WorkEngine } from '@neolith/work-engine';
import { headers } from 'next/headers';
import { redirect } from 'next/navigation';
import { authenticate, credentialOf, requireScope } from './auth/authenticate';
import { getRuntime } from './engine';
import { checkHost } from './http/checkHost';

export interface Session {
  /** The engine of the signed-in person's workspace, acting in their name. */
  engine: WorkEngine;
  /** The bare UUID of the workspace. */
  workspaceId: string;
}

/**
 * The session of the cookie, for server components: call it first in every page. Without a valid one the visitor is
 * sent to `/signed-out`. Errors of the database are thrown on, to the nearest error boundary.
 */
export async function requireSession(): Promise<Session> {
  const incoming = await headers();
  try {
    checkHost(incoming);
    const credential = credentialOf(incoming);
    const { database, engine } = await getRuntime();
    const principal = await authenticate(database, credential?.kind === 'SESSION' ? credential : null);
    requireScope(principal, 'read');
    const { workspaceId, actor } = principal;
    return { engine: engine.as({ workspaceId, actor }), workspaceId };
  } catch (error) {
    if (!isNeolithError(error) || error.status >= 500) throw error;
  }
  redirect('/signed-out');
}
