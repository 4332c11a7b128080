import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NeolithError } from '@neolith/contracts';
import { AgentsConfigError, RouterConfigError } from '@neolith/daemon/errors';
import { expect, it } from 'vitest';
import { planDemoWork } from '../src/demo/planDemoWork.js';
import { CommandError } from '../src/output/commandError.js';
import { exitCodeOf } from '../src/output/exitCodes.js';
import { formatTable } from '../src/output/table.js';
import { DEMO_CHANNELS, DEMO_ORCHESTRATORS } from '../src/seed/demoOrchestrators.js';
import { DEMO_TASKS } from '../src/seed/demoTasks.js';
import { choosePort } from '../src/start/choosePort.js';

it('says by the exit code what went wrong', () => {
  expect(exitCodeOf(new NeolithError('TASK_NOT_FOUND', 'x'))).toBe(3);
  expect(exitCodeOf(new NeolithError('LEASE_LOST', 'x'))).toBe(4);
  expect(exitCodeOf(new NeolithError('SERVER_UNREACHABLE', 'x'))).toBe(1);
  expect(exitCodeOf(new CommandError('usage', 'X', 'x'))).toBe(2);
  expect(exitCodeOf(new CommandError('conflict', 'X', 'x'))).toBe(4);
  expect(exitCodeOf(new AgentsConfigError('AGENTS_CONFIG_INVALID', 'x'))).toBe(2);
  expect(exitCodeOf(new RouterConfigError('ROUTER_CONFIG_INVALID', 'x'))).toBe(2);
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
    for (const { message, printed } of work.steps) {
      expect(printed).toHaveLength(3);
      expect(printed[0]).toBe(`> ${message}`);
      // What it prints is a log, and no report of its progress.
      expect(printed.join('\n')).not.toMatch(/^(::neolith|progress:)|undefined|NaN/m);
    }
    expect(work.steps.at(-1)?.printed[2]).toMatch(/^ {2}(\d+) of \1 checks pass$/);
  }
});
