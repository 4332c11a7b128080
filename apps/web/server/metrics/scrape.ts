import { createHash, timingSafeEqual } from 'node:crypto';
import { isNeolithError } from '@neolith/contracts';
import {
  authenticate,
  type Credential,
  credentialOf,
  type Principal,
  requireScope,
} from '../auth/authenticate';
import { getRuntime, type Runtime } from '../engine';
import type { ApiRequest } from '../http/apiRequest';
import { isDatabaseTrouble } from '../http/databaseTrouble';
import { checkHead } from '../http/handle';
import { within } from '../within';
import { type DatedFigures, readFigures } from './readFigures';
import { renderMetrics } from './renderMetrics';

/** Prometheus gives a scrape ten seconds by default. */
const DATABASE_MS = 3_000;
/** Credentials that were good when the database last answered. */
const REMEMBERED = 20;

const remembered = new Map<string, Buffer>();

function digestOf({ kind, text }: Credential): Buffer {
  return createHash('sha256').update(`${kind} ${text}`).digest();
}

/**
 * One answer to `/metrics`. It needs a token of the scope `metrics`, on this machine too. While the database does not
 * answer, a token that was good before is let in: what the process itself counts is wanted then most of all, and nothing
 * can be revoked meanwhile. Never waits for the database for more than some seconds.
 *
 * @throws NeolithError of the checks that every call passes; DATABASE_UNAVAILABLE to a token never seen before
 */
export async function scrape(request: Pick<ApiRequest, 'method' | 'headers'>): Promise<string> {
  checkHead(request);
  const credential = credentialOf(request.headers);
  let runtime: Runtime | null = null;
  let figures: DatedFigures | null = null;
  try {
    const opened = await within(DATABASE_MS, getRuntime());
    runtime = opened;
    const principal = await within(DATABASE_MS, admit(opened, credential));
    const { workspaceId, actor } = principal;
    figures = await within(DATABASE_MS, readFigures(opened.engine.as({ workspaceId, actor }), workspaceId));
  } catch (error) {
    if (!isAway(error) || credential === null || !wasGood(credential)) throw error;
  }
  return renderMetrics({ pools: runtime?.database ?? null, figures });
}

async function admit({ database }: Runtime, credential: Credential | null): Promise<Principal> {
  try {
    const principal = await authenticate(database, credential);
    requireScope(principal, 'metrics');
    if (credential !== null) remember(credential);
    return principal;
  } catch (error) {
    if (credential !== null && !isAway(error)) remembered.delete(digestOf(credential).toString('hex'));
    throw error;
  }
}

function isAway(error: unknown): boolean {
  if (isNeolithError(error)) return error.code === 'DATABASE_UNAVAILABLE';
  return isDatabaseTrouble(error);
}

function remember(credential: Credential): void {
  const digest = digestOf(credential);
  const key = digest.toString('hex');
  remembered.delete(key);
  if (remembered.size >= REMEMBERED) remembered.delete(remembered.keys().next().value as string);
  remembered.set(key, digest);
}

function wasGood(credential: Credential): boolean {
  const digest = digestOf(credential);
  let found = false;
  for (const known of remembered.values()) if (timingSafeEqual(known, digest)) found = true;
  return found;
}
