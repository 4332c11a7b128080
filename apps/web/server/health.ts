import { NeolithError } from '@neolith/contracts';
import { isBootstrapped } from './bootstrap/bootstrap';
import { getRuntime } from './engine';
import { VERSION } from './version';

/** @throws whatever keeps the database from answering */
export async function checkHealth(): Promise<{ status: 'ok'; version: string; database: 'ok' }> {
  const { database } = await getRuntime();
  // Not by the pool of all calls: a server that has much to do is not a sick one, and must not be ended for it.
  await database.vitalPool.query({ name: 'neolith_web_ping', text: 'SELECT 1' });
  return { status: 'ok', version: VERSION, database: 'ok' };
}

/** As health, and the first start's work is done: there is a workspace and a token to come in with. */
export async function checkReadiness(): Promise<{ status: 'ok' }> {
  await checkHealth();
  if (!isBootstrapped()) {
    throw new NeolithError('DATABASE_UNAVAILABLE', 'The server is still preparing its first start.');
  }
  return { status: 'ok' };
}
