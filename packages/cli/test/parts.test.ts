import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NeolithError } from '@neolith/contracts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { planDemoWork } from '../src/demo/planDemoWork.js';
import { arrangeChunks } from '../src/import/arrangeChunks.js';
import { CommandError } from '../src/output/commandError.js';
import { exitCodeOf } from '../src/output/exitCodes.js';
import { formatTable } from '../src/output/table.js';
import { DEMO_CHANNELS, DEMO_ORCHESTRATORS } from '../src/seed/demoOrchestrators.js';
import { DEMO_TASKS } from '../src/seed/demoTasks.js';
import { choosePort } from '../src/start/choosePort.js';

/** Any plan without cycles: a task depends on earlier ones only; its parent depends on it, as plans are read. */
const plan = fc
  .array(fc.record({ before: fc.array(fc.nat(1_000), { maxLength: 3 }), parent: fc.option(fc.nat(1_000)) }), {
    maxLength: 60,
  })
  .map((rows) => {
    const tasks = rows.map(({ before }, index) => ({
      sourceId: `t${index}`,
      dependsOn: index === 0 ? [] : [...new Set(before.map((number) => `t${number % index}`))],
      parentSourceId: null as string | null,
    }));
    for (const [index, { parent }] of rows.entries()) {
      const above = parent === null ? undefined : tasks[index + 1 + (parent % rows.length)];
      const task = tasks[index];
      if (above === undefined || task === undefined) continue;
      task.parentSourceId = above.sourceId;
      // Usually it closes last; where the file says the opposite it does not wait.
      if (index % 3 !== 0 && !above.dependsOn.includes(task.sourceId)) above.dependsOn.push(task.sourceId);
    }
    return tasks.reverse();
  });

it('arranges every task once, within the limit, no prerequisite after its dependent', () => {
  fc.assert(
    fc.property(plan, fc.integer({ min: 1, max: 20 }), (tasks, size) => {
      const chunks = arrangeChunks(tasks, { tasks: size, bytes: 1_000_000 });
      const order = chunks.flat().map(({ sourceId }) => sourceId);
      expect([...order].sort()).toEqual(tasks.map(({ sourceId }) => sourceId).sort());
      for (const chunk of chunks) {
        expect(chunk.length).toBeGreaterThan(0);
        expect(chunk.length).toBeLessThanOrEqual(size);
      }
      const place = new Map(order.map((id, index) => [id, index]));
      for (const { sourceId, dependsOn } of tasks) {
        for (const id of dependsOn) expect(place.get(id)).toBeLessThan(place.get(sourceId) ?? -1);
      }
    }),
  );
});

it('keeps a family in one call where it fits, and splits by bytes', () => {
  const family = (name: string, size: number) => [
    ...Array.from({ length: size }, (_, index) => ({
      sourceId: `${name}${index}`,
      dependsOn: [] as string[],
      parentSourceId: name,
    })),
    {
      sourceId: name,
      dependsOn: Array.from({ length: size }, (_, index) => `${name}${index}`),
      parentSourceId: null,
    },
  ];
  const tasks = [...family('a', 6), ...family('b', 6)];
  const chunks = arrangeChunks(tasks, { tasks: 10, bytes: 1_000_000 });
  expect(chunks.map((chunk) => chunk.length)).toEqual([7, 7]);
  expect(new Set(chunks[0]?.map(({ sourceId }) => sourceId.charAt(0)))).toEqual(new Set(['a']));
  expect(arrangeChunks(tasks, { tasks: 10, bytes: 1 })).toHaveLength(14);
  const chain = Array.from({ length: 20_000 }, (_, index) => ({
    sourceId: String(index),
    dependsOn: index === 19_999 ? [] : [String(index + 1)],
    parentSourceId: null,
  }));
  expect(arrangeChunks(chain, { tasks: 1_000, bytes: 1e9 })).toHaveLength(20);
});

it('says by the exit code what went wrong', () => {
  expect(exitCodeOf(new NeolithError('TASK_NOT_FOUND', 'x'))).toBe(3);
  expect(exitCodeOf(new NeolithError('LEASE_LOST', 'x'))).toBe(4);
  expect(exitCodeOf(new NeolithError('SERVER_UNREACHABLE', 'x'))).toBe(1);
  expect(exitCodeOf(new CommandError('usage', 'X', 'x'))).toBe(2);
  expect(exitCodeOf(new CommandError('conflict', 'X', 'x'))).toBe(4);
  expect(exitCodeOf('odd')).toBe(1);
});

it('aligns a table: text to the left, numbers to the right', () => {
  expect(
    formatTable(
      ['Name', 'N'],
      [
        ['a', 5],
        ['bcdef', 12],
      ],
    ),
  ).toEqual(['Name    N', 'a       5', 'bcdef  12']);
});

it('takes the wanted port, the remembered one, or the next that is free, and names the way out', async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const { port } = holder.address() as AddressInfo;
  const host = '127.0.0.1';
  await expect(choosePort({ host, wanted: port, remembered: undefined })).rejects.toMatchObject({
    kind: 'conflict',
    code: 'PORT_TAKEN',
    message: expect.stringContaining(`--port ${port + 1}`),
  });
  const other = await choosePort({ host, wanted: undefined, remembered: port });
  expect(other).not.toBe(port);
  await new Promise((resolve) => holder.close(resolve));
  expect(await choosePort({ host, wanted: undefined, remembered: port })).toBe(port);
  expect(await choosePort({ host, wanted: port, remembered: 1 })).toBe(port);
  await expect(choosePort({ host: '192.0.2.1', wanted: undefined, remembered: undefined })).rejects.toThrow(
    'HOST',
  );
});

it('has a demo of all priorities, all deadline bands, three questions, and nothing that points nowhere', () => {
  const keys = new Set(DEMO_TASKS.map(({ key }) => key));
  expect(keys.size).toBe(DEMO_TASKS.length);
  expect(DEMO_TASKS.length).toBeGreaterThanOrEqual(38);
  for (const task of DEMO_TASKS) {
    for (const id of task.dependsOn) expect(keys, `${task.key} depends on it`).toContain(id);
    expect(DEMO_ORCHESTRATORS.map(({ key }) => key)).toContain(task.owner);
    expect(DEMO_CHANNELS.map(({ name }) => name)).toContain(task.channel);
  }
  expect(new Set(DEMO_TASKS.map(({ priority }) => priority)).size).toBe(4);
  const inBand = (from: number, to: number) =>
    DEMO_TASKS.filter(({ dueInHours: hours }) => hours !== null && hours >= from && hours < to).length;
  expect(inBand(-1_000, 0)).toBeGreaterThan(2);
  expect(inBand(0, 10)).toBeGreaterThan(1);
  expect(inBand(24, 72)).toBeGreaterThan(4);
  expect(inBand(72, 1_000)).toBeGreaterThan(4);
  expect(DEMO_TASKS.some(({ dueInHours }) => dueInHours === null)).toBe(true);
  expect(DEMO_TASKS.filter(({ blocked }) => blocked !== undefined)).toHaveLength(3);
  expect(new Set(DEMO_ORCHESTRATORS.map(({ timeZone }) => timeZone)).size).toBe(DEMO_ORCHESTRATORS.length);
});

it('has a demo agent that takes 10 to 40 seconds, ends the same way each time, and fails some once', () => {
  const contextOf = (id: string, previousAttempts: unknown[] = []) => ({
    task: { id, title: 'T', tags: ['x'], acceptanceCriteria: ['c'] },
    orchestrator: { name: 'Ada', discipline: 'Engineering' },
    dependencies: [{ title: 'D' }],
    previousAttempts,
  });
  const ids = Array.from({ length: 300 }, (_, index) => `task_${index}`);
  const failing = ids.filter((id) => planDemoWork(contextOf(id)).failure !== null);
  expect(failing.length).toBeGreaterThan(20);
  expect(failing.length).toBeLessThan(80);
  for (const id of failing) expect(planDemoWork(contextOf(id, [{}])).failure).toBeNull();
  for (const id of ids) {
    const work = planDemoWork(contextOf(id));
    expect(work).toEqual(planDemoWork(contextOf(id)));
    expect(work.durationMs).toBeGreaterThanOrEqual(20_000);
    expect(work.durationMs).toBeLessThanOrEqual(80_000);
    expect(work.notes).toContain('This is a demo');
  }
});
