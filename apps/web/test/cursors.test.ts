import { type Endpoint, type EndpointName, endpoints, problemSchema } from '@neolith/contracts';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { makeThings, pathOf, samplesOf } from './support/samples';
import { serverFixture } from './support/serverFixture';

const fixture = serverFixture();

test('a place that no list ever gave is refused by each list that goes page by page, whatever date it names', async () => {
  const tenant = await fixture.tenant();
  const token = await tenant.token();
  const things = await makeThings(tenant.engine, `tok_${crypto.randomUUID()}`);
  const paged = Object.entries<Endpoint>(endpoints).filter(
    ([, { query }]) => query instanceof z.ZodObject && 'cursor' in query.shape,
  ) as [EndpointName, Endpoint][];
  expect(paged.map(([name]) => name).sort()).toEqual([
    'followEvents',
    'getRunHistory',
    'listDeadLetters',
    'listOrchestratorAttempts',
    'listRuns',
    'listTaskEvents',
    'listTasks',
  ]);
  const uuid = '0198f1c2-0000-7000-8000-000000000000';
  const times = [
    '-200000-01-01T00:00:00.000Z',
    '+275000-01-01T00:00:00.000Z',
    '2026-02-31T00:00:00.000Z',
    '',
  ];
  const places = times.flatMap((time) => [`${time}~task_${uuid}`, `${time}~att_${uuid}`]);
  for (const [name, endpoint] of paged) {
    // A stream tells its reader in its own way, and goes on.
    if (endpoint.stream === true) continue;
    const path = pathOf(endpoint.path, samplesOf(things)[name]).split('?')[0] ?? '';
    for (const cursor of [...places, 'x', 'ff.99999999999999999999.1', 'ff.1.9223372036854775808']) {
      const response = await fixture.fetch(`${path}?cursor=${encodeURIComponent(cursor)}`, { token });
      const { code } = problemSchema.parse(await response.json());
      expect([name, cursor, response.status, code]).toEqual([name, cursor, 400, 'INVALID_CURSOR']);
    }
  }
});
