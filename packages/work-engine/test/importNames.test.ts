import { describe, expect, test } from 'vitest';
import type { NewTask } from '../src/index.js';
import { edgesOf } from './support/edgesOf.js';
import { createFixture } from './support/engineFixture.js';

const fixture = createFixture();

async function importAll(source: string, chunk: number, tasks: NewTask[]): Promise<string[]> {
  const { id } = await fixture.orchestrator();
  await fixture.engine.importTasks(tasks, { source, chunk, orchestratorId: id });
  return edgesOf(fixture, source);
}

describe('A task of a stream that has a key besides its source id', () => {
  test.each([1, 2, 10])('is found by its source id, in chunks of %i', async (chunk) => {
    const edges = await importAll(`by source id ${chunk}`, chunk, [
      { title: 'First', sourceId: 'x', key: 'k' },
      { title: 'Second', sourceId: 'y', dependsOn: ['x'] },
    ]);
    expect(edges).toEqual(['y after x']);
  });

  test('is found by its key within a chunk, by those that come after it', async () => {
    const edges = await importAll('by key', 10, [
      { title: 'First', sourceId: 'x', key: 'k' },
      { title: 'Second', sourceId: 'y', dependsOn: ['k'] },
    ]);
    expect(edges).toEqual(['y after x']);
  });

  test.each([1, 10])('takes no other task’s source id from it, in chunks of %i', async (chunk) => {
    const edges = await importAll(`whose ${chunk}`, chunk, [
      { title: 'First', sourceId: 'x', key: 'y' },
      { title: 'Second', sourceId: 'y', key: 'z' },
      { title: 'Third', sourceId: 'd', dependsOn: ['y'] },
    ]);
    expect(edges).toEqual(['d after y']);
  });

  test('can be given again under another key, and is known by both', async () => {
    const edges = await importAll('twice', 10, [
      { title: 'First', sourceId: 'x', key: 'k' },
      { title: 'First again', sourceId: 'x', key: 'l' },
      { title: 'Second', sourceId: 'y', dependsOn: ['l'] },
      { title: 'Third', sourceId: 'z', dependsOn: ['k'] },
    ]);
    expect(edges).toEqual(['y after x', 'z after x']);
  });

  test('shares its key with no other task of its chunk', async () => {
    await expect(
      importAll('shared', 10, [
        { title: 'First', sourceId: 'x', key: 'k' },
        { title: 'Second', sourceId: 'y', key: 'k' },
      ]),
    ).rejects.toMatchObject({ code: 'INVALID_INPUT', details: { key: 'k', stored: 0 } });
    expect(await edgesOf(fixture, 'shared')).toEqual([]);
  });

  test('names a parent and itself as any other does', async () => {
    await expect(
      importAll('itself', 10, [{ title: 'First', sourceId: 'x', key: 'k', dependsOn: ['k'] }]),
    ).rejects.toMatchObject({ code: 'DEPENDENCY_ON_ITSELF' });
    await importAll('parent', 10, [
      { title: 'First', sourceId: 'x', key: 'k' },
      { title: 'Second', sourceId: 'y', parentId: 'x' },
    ]);
    const { rows } = await fixture.test.database.pool.query<{ parent: string }>(
      `SELECT p.source_id AS parent FROM tasks t JOIN tasks p ON p.id = t.parent_id WHERE t.source = 'parent'`,
    );
    expect(rows).toEqual([{ parent: 'x' }]);
  });
});
