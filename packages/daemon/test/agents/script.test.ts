import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { createAgent } from '../../src/agents/registry.js';
import type { ScriptAgentConfiguration } from '../../src/agents/script.js';
import { isAlive } from '../process/processes.js';
import { makeFolder, runAttempt } from './support/runInWorktree.js';

let root: string;

beforeEach(() => {
  root = makeFolder();
});

function script(configuration: ScriptAgentConfiguration) {
  const hostEnvironment = { PATH: process.env.PATH, HOME: root, NEOLITH_TOKEN: 'neo_token' };
  return createAgent('script', { hostEnvironment, baseDirectory: root }, { script: configuration });
}

/** Writes the file and runs one attempt with it. */
function run(file: string, text: string, functionName?: string) {
  writeFileSync(join(root, file), text);
  const configuration = functionName === undefined ? { file } : { file, function: functionName };
  return runAttempt(
    script(configuration),
    { root, directory: root },
    { prompt: 'In words.', context: { task: { title: 'T' } } },
  );
}

it('runs a Node file with the context on stdin and the line protocol on stdout', async () => {
  const { report, signals } = await run(
    'work.mjs',
    `import { readFileSync } from 'node:fs';
     const { task } = JSON.parse(readFileSync(0, 'utf8'));
     console.log('::neolith {"progress": 10}');
     console.log('::neolith ' + JSON.stringify({ output: [task.title, readFileSync(process.env.NEOLITH_PROMPT_FILE, 'utf8')] }));`,
  );
  expect(report.verdict).toEqual({ status: 'completed', output: ['T', 'In words.'] });
  expect(signals[0]).toEqual({ kind: 'progress', percent: 10 });
});

describe('a function of a Node module', () => {
  it('is called with the task; what it returns is the result', async () => {
    const { report, signals, log } = await run(
      'functions.mjs',
      `export async function act(task) {
         console.log('a line of log');
         task.progress(40, 'halfway');
         task.artifact('note', { text: 'x' });
         setInterval(() => {}, 1000);
         return { title: task.context.task.title, prompt: task.prompt, id: task.taskId, here: task.workingDirectory === process.cwd(), token: process.env.NEOLITH_TOKEN ?? null };
       }`,
      'act',
    );
    expect(report.verdict).toEqual({
      status: 'completed',
      output: { title: 'T', prompt: 'In words.', id: 'task_1', here: true, token: null },
    });
    expect(signals).toEqual([
      { kind: 'progress', percent: 40, message: 'halfway' },
      { kind: 'artifact', artifact: { type: 'note', content: { text: 'x' } } },
    ]);
    expect(log).toEqual(['stdout: a line of log']);
    expect(isAlive(report.outcome.pid ?? 0)).toBe(false);
  });

  it('brings results of 500 KB whole', async () => {
    const { report } = await run('functions.mjs', `export const act = () => 'y'.repeat(500_000);`, 'act');
    expect(report.verdict).toEqual({ status: 'completed', output: 'y'.repeat(500_000) });
  });

  it('fails with what it throws, and blocks with its question', async () => {
    const failed = await run(
      'functions.mjs',
      `export const act = () => { throw new Error('no such table'); };`,
      'act',
    );
    expect(failed.report.verdict).toMatchObject({
      status: 'failed',
      failureClass: 'task',
      error: expect.stringMatching(/no such table/),
    });
    const blocked = await run(
      'functions.mjs',
      `export const act = (task) => task.block('unclear', 'Which?');`,
      'act',
    );
    expect(blocked.report.verdict).toEqual({ status: 'blocked', reason: 'unclear', question: 'Which?' });
    const missing = await run('functions.mjs', 'export const other = 1;', 'act');
    expect(missing.report.verdict).toMatchObject({
      status: 'failed',
      error: expect.stringMatching(/no function called "act"/),
    });
  });

  it('may be of CommonJS', async () => {
    const { report } = await run('functions.cjs', 'module.exports = { act: () => 7 };', 'act');
    expect(report.verdict).toEqual({ status: 'completed', output: 7 });
  });
});

const hasPython = (() => {
  try {
    execFileSync('python3', ['--version']);
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!hasPython)('Python (needs python3)', () => {
  it('runs a file', async () => {
    const { report } = await run(
      'work.py',
      `import json, sys\nprint("::neolith " + json.dumps({"output": json.load(sys.stdin)["task"]["title"]}))`,
    );
    expect(report.verdict).toEqual({ status: 'completed', output: 'T' });
  });

  it('calls a function, which may import its neighbours', async () => {
    writeFileSync(join(root, 'neighbour.py'), 'WORD = "next door"\n');
    const { report, signals } = await run(
      'functions.py',
      `import neighbour\ndef act(task):\n    task.progress(30, "going")\n    return {"word": neighbour.WORD, "prompt": task.prompt, "id": task.task_id}\n`,
      'act',
    );
    expect(report.verdict).toEqual({
      status: 'completed',
      output: { word: 'next door', prompt: 'In words.', id: 'task_1' },
    });
    expect(signals).toEqual([{ kind: 'progress', percent: 30, message: 'going' }]);
  });

  it('fails with what it raises', async () => {
    const { report } = await run(
      'functions.py',
      'def act(task):\n    raise ValueError("no such table")\n',
      'act',
    );
    expect(report.verdict).toMatchObject({
      status: 'failed',
      error: expect.stringMatching(/ValueError: no such table/),
    });
  });
});

it('is off until a file is configured, and says what is wrong with one', async () => {
  expect(await script({}).detect()).toEqual({
    found: false,
    remedy: expect.stringMatching(/off until a file/),
  });
  await expect(runAttempt(script({}), { root, directory: root })).rejects.toMatchObject({
    code: 'AGENT_NOT_CONFIGURED',
  });
  expect(await script({ file: 'absent.mjs' }).detect()).toMatchObject({
    found: false,
    remedy: expect.stringMatching(/absent\.mjs/),
  });
  writeFileSync(join(root, 'there.mjs'), '');
  expect(await script({ file: 'there.mjs' }).detect()).toEqual({
    found: true,
    path: join(root, 'there.mjs'),
  });
  for (const wrong of [
    { file: 'a.sh' },
    { file: '' },
    { file: 'a.mjs', function: 'a-b' },
    { file: 'a.mjs', function: '' },
  ]) {
    expect(() => script(wrong)).toThrow(expect.objectContaining({ code: 'AGENT_CONFIGURATION_INVALID' }));
  }
});
