import { expect, test } from 'vitest';
import { createFixture } from './support/engineFixture.js';

const fixture = createFixture();

test('a place of trimming that was restored from another cluster refuses no cursor of this one', async () => {
  const orchestrator = await fixture.orchestrator();
  const { cursor } = await fixture.engine.readEvents();
  // As a dump brings it along from where transaction ids had come further.
  await fixture.test.database.pool.query(
    `INSERT INTO event_trims (scope, trimmed_xid, trimmed_seq)
     SELECT id, pg_current_xact_id()::text::bigint + 1000000000, 1 FROM workspaces`,
  );
  await fixture.task(orchestrator);
  await expect
    .poll(async () => (await fixture.engine.readEvents({ cursor })).events.map(({ type }) => type), {
      timeout: 5_000,
    })
    .toContain('task.created');
});
