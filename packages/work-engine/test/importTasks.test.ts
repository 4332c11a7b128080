import { describe, expect, it } from 'vitest';
import type { NewTask } from '../src/index.js';
import { edgesOf } from './support/edgesOf.js';
import { createFixture } from './support/engineFixture.js';

const fixture = createFixture();
let sources = 0;
const newSource = () => {
  sources += 1;
  return `stream ${sources}`;
};

/** A chain with a second edge ten tasks back. */
function chain(count: number, change: (index: number) => Partial<NewTask> = () => ({})): NewTask[] {
  return Array.from({ length: count }, (_, index) => ({
    title: `Task ${index}`,
    sourceId: `t${index}`,
    dependsOn: [index - 1, index - 10].filter((other) => other >= 0).map((other) => `t${other}`),
    ...change(index),
  }));
}

async function* streamed(tasks: readonly NewTask[]): AsyncGenerator<NewTask> {
  for (const task of tasks) yield task;
}

async function stored(source: string) {
  const { rows } = await fixture.test.database.pool.query<{
    source_id: string;
    status: string;
    wave: number;
  }>(`SELECT source_id, status, wave FROM tasks WHERE source = $1 ORDER BY id`, [source]);
  return rows;
}

describe('A stream of tasks', () => {
  it.each([7, 600, 5_000])('is stored whole, with the edges across chunks of %i', async (chunk) => {
    const { id } = await fixture.orchestrator();
    const source = newSource();
    const tasks = chain(1_300);
    const reported: number[] = [];
    const result = await fixture.engine.importTasks(streamed(tasks), {
      source,
      chunk,
      orchestratorId: id,
      onChunk: ({ read }) => {
        reported.push(read);
      },
    });
    expect(result).toEqual({ read: 1_300, created: 1_300, existing: 0 });
    expect(reported).toHaveLength(Math.ceil(1_300 / chunk));
    expect(reported.at(-1)).toBe(1_300);
    const rows = await stored(source);
    expect(rows.map((row) => row.source_id)).toEqual(tasks.map((task) => task.sourceId));
    expect(rows.filter((row) => row.status === 'TODO').map((row) => row.source_id)).toEqual(['t0']);
    const wanted = tasks.flatMap((task) =>
      (task.dependsOn ?? []).map((other) => `${task.sourceId} after ${other}`),
    );
    expect(await edgesOf(fixture, source)).toEqual(wanted.sort());
    expect((await fixture.engine.recalculateAllStatuses()).repaired).toEqual([]);
  });

  it('given again after it broke off goes on where it stopped, and leaves what is stored as it is', async () => {
    const source = newSource();
    const whole = chain(100);
    const broken = chain(100, (index) => (index === 57 ? { title: '' } : {}));
    await expect(fixture.engine.importTasks(streamed(broken), { source, chunk: 10 })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('50 tasks before it are stored'),
      details: { index: 57, stored: 50 },
    });
    expect(await stored(source)).toHaveLength(50);
    await fixture.test.database.pool.query(
      `UPDATE tasks SET title = 'Changed' WHERE source = $1 AND source_id = 't3'`,
      [source],
    );
    expect(await fixture.engine.importTasks(whole, { source, chunk: 10 })).toEqual({
      read: 100,
      created: 50,
      existing: 50,
    });
    expect(await stored(source)).toHaveLength(100);
    expect(await edgesOf(fixture, source)).toContain('t50 after t49');
    const { rows } = await fixture.test.database.pool.query(
      `SELECT title FROM tasks WHERE source = $1 AND source_id = 't3'`,
      [source],
    );
    expect(rows).toEqual([{ title: 'Changed' }]);
  });

  it.each([
    [
      'what only the database can tell',
      { orchestratorId: 'orch_01989c4e-0000-7000-8000-000000000000' },
      { code: 'ORCHESTRATOR_NOT_FOUND', details: { from: 20, to: 29, stored: 20 } },
    ],
    [
      'a name that nobody has',
      { dependsOn: ['nobody'] },
      { code: 'TASK_NOT_FOUND', details: { stored: 20 } },
    ],
    [
      'a task that comes later in the same chunk',
      { dependsOn: ['t26'] },
      { code: 'TASK_NOT_FOUND', details: { id: 't26', index: 25, stored: 20 } },
    ],
    ['itself', { dependsOn: ['t25'] }, { code: 'DEPENDENCY_ON_ITSELF', details: { stored: 20 } }],
    ['no source id', { sourceId: undefined }, { code: 'INVALID_INPUT', details: { index: 25, stored: 20 } }],
  ] as [string, Partial<NewTask>, object][])(
    'ends at the chunk of a task with %s; the chunks before it stay',
    async (_, fault, error) => {
      const source = newSource();
      const { id } = await fixture.orchestrator();
      const tasks = chain(40, (index) => ({ orchestratorId: id, ...(index === 25 ? fault : {}) }));
      await expect(fixture.engine.importTasks(streamed(tasks), { source, chunk: 10 })).rejects.toMatchObject(
        error,
      );
      expect(await stored(source)).toHaveLength(20);
    },
  );

  it('of a run gives each task its wave, and the counts of the run follow', async () => {
    const source = newSource();
    const run = await fixture.engine.createRun({ name: 'Streamed' });
    await fixture.engine.importTasks(chain(50), { source, chunk: 8, runId: run.id });
    expect((await stored(source)).map((row) => row.wave)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect((await fixture.engine.getRun(run.id)).counts).toMatchObject({ todo: 1, blocked: 49 });
    expect(await fixture.engine.recalculateAllStatuses()).toMatchObject({ repaired: [], runs: [] });
  });

  it('given twice at once is stored once', async () => {
    const source = newSource();
    const results = await Promise.all(
      fixture.others(2).map((engine) => engine.importTasks(streamed(chain(400)), { source, chunk: 20 })),
    );
    expect(results.map(({ created, existing }) => created + existing)).toEqual([400, 400]);
    expect(results.reduce((sum, { created }) => sum + created, 0)).toBe(400);
    expect(await stored(source)).toHaveLength(400);
  });

  it('with a source id twice keeps the first of them', async () => {
    const source = newSource();
    const tasks: NewTask[] = ['a', 'b', 'a', 'c', 'a'].map((sourceId, index) => ({
      title: `T${index}`,
      sourceId,
    }));
    expect(await fixture.engine.importTasks(tasks, { source, chunk: 3 })).toEqual({
      read: 5,
      created: 3,
      existing: 2,
    });
  });

  it('reads no further than two chunks ahead of what is stored', async () => {
    let ahead = 0;
    let read = 0;
    let done = 0;
    async function* counted() {
      for (const task of chain(200)) {
        read += 1;
        ahead = Math.max(ahead, read - done);
        yield task;
      }
    }
    await fixture.engine.importTasks(counted(), {
      source: newSource(),
      chunk: 10,
      onChunk: (chunk) => {
        done = chunk.read;
      },
    });
    expect(read).toBe(200);
    expect(ahead).toBeLessThanOrEqual(20);
  });

  it.each([{ chunk: 0 }, { chunk: 1.5 }, { chunk: 50_001 }, { source: ' ' }])(
    'is refused with %o',
    async (wrong) => {
      await expect(fixture.engine.importTasks(chain(1), { source: 'right', ...wrong })).rejects.toMatchObject(
        { code: 'INVALID_INPUT' },
      );
    },
  );
});

describe('Many tasks at once', () => {
  it('are stored with texts of all kinds as few are', async () => {
    const texts = [
      'tab\tnew\nline\rback\\slash',
      '\\N',
      '\\.',
      '"quoted", {braced}',
      'äöü€ 𝒳',
      'NULL',
      "it's",
    ];
    const source = newSource();
    const task = (index: number): NewTask => {
      const text = texts[index % texts.length] as string;
      return {
        title: text,
        description: `${text}\n${text}`,
        acceptanceCriteria: [text, 'plain'],
        tags: [text.replaceAll(/[\t\n\r]/g, ' ')],
        metadata: { [text]: [text, null, 1.5, { deep: text }] },
        source,
        sourceId: `${index} ${text}`,
        dueAt: new Date('9999-12-31T23:59:59.999Z'),
        status: (['TODO', 'DONE', 'CANCELLED'] as const)[index % 3] as 'TODO',
        priority: 'HIGH',
        estimateMinutes: 5,
        timeoutSeconds: 60,
      };
    };
    const created = await fixture.engine.createTasks(Array.from({ length: 600 }, (_, index) => task(index)));
    for (const [index, made] of created.entries()) {
      const { dueAt, ...given } = task(index);
      expect(made).toMatchObject({ ...given, dueAt, progress: made.status === 'DONE' ? 100 : 0 });
    }
    const { rows } = await fixture.test.database.pool.query(
      `SELECT count(*)::int AS events FROM events e JOIN tasks t ON t.id = e.task_id WHERE t.source = $1 AND e.type = 'task.created' AND e."to" = t.status::text`,
      [source],
    );
    expect(rows).toEqual([{ events: 600 }]);
    expect((await fixture.engine.recalculateAllStatuses()).repaired).toEqual([]);
  });

  it('of a source id that is taken are refused, naming it, and nothing is stored', async () => {
    const source = newSource();
    await fixture.engine.createTask({ title: 'First', source, sourceId: '7' });
    await expect(
      fixture.engine.createTasks(
        Array.from({ length: 600 }, (_, index) => ({ title: 'T', source, sourceId: String(index) })),
      ),
    ).rejects.toMatchObject({ code: 'DUPLICATE_SOURCE_ID', message: expect.stringContaining('7') });
    expect(await stored(source)).toHaveLength(1);
  });
});
