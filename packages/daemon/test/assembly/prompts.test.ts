import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { createAgent, createCoordinator } from '../../src/index.js';
import { openAssembly, until } from './support/assembly.js';

const assembly = openAssembly();
const { work } = assembly;

const MARK = 'PROMPT-TEXT-MARK';
const KIB = 1024;

interface Seen {
  readonly pid: number;
  readonly stdinBytes: number;
  readonly stdinSum: string;
  readonly fileBytes: number;
  readonly fileSum: string;
}

/** Tells what it was given in a file, then waits at the gate, so that one can look at it. */
const looker = () =>
  assembly.agent(`
import { createHash } from 'node:crypto';
const sum = (text) => createHash('sha256').update(text).digest('hex');
const file = readFileSync(process.env.NEOLITH_PROMPT_FILE);
if (stdin !== '') writeFileSync(${JSON.stringify(work.path('prompt'))}, stdin);
const seen = { pid: process.pid, stdinBytes: Buffer.byteLength(stdin), stdinSum: sum(stdin), fileBytes: file.length, fileSum: sum(file) };
writeFileSync(${JSON.stringify(work.path('seen.part'))}, JSON.stringify(seen));
execFileSync('mv', [${JSON.stringify(work.path('seen.part'))}, ${JSON.stringify(work.path('seen'))}]);
await gate(${JSON.stringify(work.path('gate'))});
writeFileSync('work.txt', 'done');
console.log(JSON.stringify({ type: 'result', subtype: 'success', is_error: false, result: 'done' }));
`);

async function look(): Promise<Seen> {
  await until(() => existsSync(work.path('seen')), 'the agent');
  return JSON.parse(readFileSync(work.path('seen'), 'utf8'));
}

/** Arguments and, where the platform tells them, environment of a process, as everybody with the right to look sees them. */
function lookAtProcess(pid: number): string {
  const args = execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  const more = ['cmdline', 'environ'].map((name) => `/proc/${pid}/${name}`).filter(existsSync);
  return [args, ...more.map((path) => readFileSync(path, 'utf8'))].join('\n');
}

it('the largest task that the server takes, with large standards of its project, comes by stdin, never in arguments', async () => {
  const standards = `${MARK} ${'A rule of the project. '.repeat(1_000)}`;
  assembly.shop.write({ 'AGENTS.md': standards, 'CONTRIBUTING.md': standards, 'CLAUDE.md': standards });
  assembly.shop.git('add', '--all');
  assembly.shop.git('commit', '--quiet', '--message=Rules');
  const line = `${MARK} what is to be done, in many words\n`;
  const description = line.repeat(Math.floor(100_000 / line.length));
  const { orchestrators, id, target } = await assembly.run([
    {
      title: 'large',
      description,
      acceptanceCriteria: Array.from({ length: 50 }, (_, n) => `${n} ${MARK} ${'c'.repeat(900)}`),
    },
  ]);
  await assembly.daemon({ orchestrators, agent: { name: 'claude', configuration: { command: looker() } } });
  const seen = await look();
  expect(seen.stdinBytes).toBeGreaterThan(180 * KIB);
  expect(seen.fileSum).toBe(seen.stdinSum);
  expect(readFileSync(work.path('prompt'), 'utf8').split(line.trim()).length - 1).toBe(
    description.split('\n').length - 1,
  );
  const process = lookAtProcess(seen.pid);
  expect(process).toContain('--output-format');
  expect(process).not.toContain(MARK);
  expect(process.length).toBeLessThan(16 * KIB);
  await work.open(work.path('gate'));
  await work.untilStatus(id, 'DONE');
  expect(assembly.shop.git('show', `${target}:work.txt`)).toBe('done');
});

it.each(['claude', 'aider'] as const)(
  'a prompt of 5 MiB reaches %s whole, never in arguments',
  async (name) => {
    const coordinator = createCoordinator({
      client: work.client(),
      agent: work.agent('true'),
      attemptsDirectory: work.path('attempts'),
      graceMs: 300,
    });
    const adapter = createAgent(
      name,
      { hostEnvironment: process.env, baseDirectory: work.directory },
      { [name]: { command: looker() } },
    );
    const prompt = `${MARK}\n`.repeat(Math.ceil((5 * KIB * KIB) / (MARK.length + 1)));
    const spawned = await coordinator.spawnAgent({ adapter, prompt, directory: assembly.shop.path });
    const seen = await look();
    const sum = createHash('sha256').update(prompt).digest('hex');
    expect(seen.fileSum).toBe(sum);
    expect(seen.stdinBytes).toBe(name === 'claude' ? Buffer.byteLength(prompt) : 0);
    if (name === 'claude') expect(seen.stdinSum).toBe(sum);
    const process_ = lookAtProcess(seen.pid);
    expect(process_).not.toContain(MARK);
    expect(process_.length).toBeLessThan(16 * KIB);
    await work.open(work.path('gate'));
    expect((await coordinator.waitForAgent(spawned)).outcome).toMatchObject({ kind: 'exited', code: 0 });
  },
);
