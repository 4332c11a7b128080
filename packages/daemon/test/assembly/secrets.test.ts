import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { TOKEN } from '../worker/support/testServer.js';
import { openAssembly, readPidFile, until } from './support/assembly.js';

const assembly = openAssembly();
const { work } = assembly;

/** None of them has a shape by which it could be told from any other word. */
const OF_DAEMON = 'the-daemon-holds-this-one';
const OF_AGENT = 'credential-of-the-provider';
const IN_REMOTE = 'pass-word-of-the-remote';
const SECRETS = [TOKEN, OF_DAEMON, OF_AGENT, IN_REMOTE];

/** Speaks as Claude Code does, and tells all it knows in every way there is. */
const talker = () =>
  assembly.agent(`
const prompt = stdin;
const key = process.env.ANTHROPIC_API_KEY;
const id = process.env.NEOLITH_TASK_ID;
writeFileSync(${JSON.stringify(work.path('prompt'))}, prompt);
writeFileSync(${JSON.stringify(work.path('environment'))}, JSON.stringify(process.env));
const known = [key, ${JSON.stringify(OF_DAEMON)}, ${JSON.stringify(TOKEN)}, git('remote', '-v')].join(' and ');
const text = (text) => console.log(JSON.stringify({ type: 'assistant', message: { content: [{ type: 'text', text }] } }));
console.error(known);
console.log(known);
text('I know ' + known);
for (const one of known.split(' and '))
  text('::neolith ' + JSON.stringify({ progress: 10, message: one.slice(0, 200) }));
text('::neolith ' + JSON.stringify({ artifact: { type: 'note', content: known } }));
text('::neolith ' + JSON.stringify({ metadata: { known } }));
writeFileSync('shared.txt', (id + ' knows ' + known).replaceAll('\\n', ' ') + '\\n');
git('add', '--all');
git('commit', '-q', '-m', 'With ' + key + ' and ' + ${JSON.stringify(OF_DAEMON)});
note(${JSON.stringify(work.path('pids'))}, process.pid);
await gate(${JSON.stringify(work.path('gate'))});
if (task === undefined && prompt.includes('Title: breaks') && !prompt.includes('- Attempt: 2')) {
  symlinkSync('/' + key, 'link-' + key);
  symlinkSync('/' + key, 'link-' + ${JSON.stringify(OF_DAEMON)});
}
console.log(JSON.stringify({ type: 'result', subtype: 'success', is_error: prompt.includes('Title: fails'), result: 'My key is ' + known }));
`);

/** Every file below, as one text. */
function readAll(directory: string): string {
  if (!existsSync(directory)) return '';
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.name} ${readFileSync(join(entry.parentPath, entry.name), 'utf8')}`)
    .join('\n');
}

it('secrets planted in environment, task, output, errors, remote, names and commits are nowhere that we store or show', async () => {
  assembly.shop.git('remote', 'add', 'origin', `https://someone:${IN_REMOTE}@example.org/project.git`);
  const { orchestrators, ids, target } = await assembly.run(
    [
      { title: 'breaks', description: `Use ${OF_DAEMON}.`, maxAttempts: 1 },
      { title: 'conflicts', description: `Use ${TOKEN}.` },
      { title: 'fails', maxAttempts: 1 },
      { title: 'writes' },
    ],
    {},
  );
  const daemon = await assembly.daemon({
    orchestrators,
    level: 'debug',
    agent: { name: 'claude', configuration: { command: talker() } },
    environment: { ANTHROPIC_API_KEY: OF_AGENT, NEOLITH_TOKEN: TOKEN, OF_THE_DAEMON: OF_DAEMON },
    secrets: [TOKEN, OF_DAEMON],
    leaseSeconds: 5,
  });
  await until(() => readPidFile(work.path('pids')).length === 4, 'the agents');
  // The configuration of the test's own daemon is in a file; in what everybody sees there is nothing.
  const seen = execFileSync('ps', ['-A', '-ww', '-o', 'args='], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  expect(seen).toContain('assemblyProcess.mjs');
  for (const secret of SECRETS) expect(seen).not.toContain(secret);
  await work.open(work.path('gate'));
  await until(async () => {
    const tasks = await Promise.all(ids.map((id) => work.engine.getTask(id)));
    return tasks.every(({ status }) => status !== 'IN_PROGRESS' && status !== 'MERGING');
  }, 'all to have ended once');
  daemon.child.kill('SIGTERM');
  daemon.child.kill('SIGTERM');
  await daemon.ended;

  const tasks = await Promise.all(ids.map((id) => work.engine.getTask(id)));
  // Each way by which text gets to the server was taken.
  const errors = tasks.flatMap(({ attempts }) => attempts.map(({ error }) => error ?? ''));
  expect(errors.some((error) => error.includes('lead out of the worktree'))).toBe(true);
  expect(errors.some((error) => error.includes('My key is'))).toBe(true);
  const told = JSON.stringify(work.server.calls.map(({ body }) => body));
  expect(told).toMatch(/The work conflicts with what was merged.*knows \[redacted\]/);
  expect(told).toContain('[redacted]');
  expect(assembly.shop.git('log', target)).toContain('Neolith-Task');

  const { pool } = work.database.database;
  const { rows } = await pool.query(
    `SELECT (SELECT string_agg(a::text, ' ') FROM attempts a) AS attempts,
            (SELECT string_agg(e::text, ' ') FROM events e) AS events,
            (SELECT string_agg(c::text, ' ') FROM attempt_log_chunks c) AS logs`,
  );
  const prompt = readFileSync(work.path('prompt'), 'utf8');
  expect(prompt).toContain('## How to report');
  expect(rows[0].logs).toContain('I know');
  const places = {
    calls: told,
    ...(rows[0] as Record<string, string>),
    'the log of the daemon': daemon.log(),
    'local logs': readAll(work.path('logs')),
    prompt,
    'directories of attempts': readAll(work.path('attempts')),
  };
  for (const [place, text] of Object.entries(places)) {
    expect(text.length, place).toBeGreaterThan(place === 'directories of attempts' ? -1 : 0);
    for (const secret of SECRETS) expect(text.includes(secret) ? place : null, secret).toBeNull();
  }
  const environment = JSON.parse(readFileSync(work.path('environment'), 'utf8'));
  expect(Object.keys(environment)).toContain('ANTHROPIC_API_KEY');
  for (const secret of [TOKEN, OF_DAEMON]) expect(JSON.stringify(environment)).not.toContain(secret);
});
