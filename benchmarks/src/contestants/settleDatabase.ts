import pg from 'pg';

/**
 * Brings a database into the state in which autovacuum keeps one that has been at work for a while: without the dead
 * rows of the round before, with statistics. Else chance decides whether autovacuum comes by in a round.
 */
export async function settleDatabase(url: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query('VACUUM (ANALYZE)');
  } finally {
    await client.end();
  }
}
