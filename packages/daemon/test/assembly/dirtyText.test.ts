import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { openAssembly } from './support/assembly.js';

const assembly = openAssembly();
const { work } = assembly;

/** What breaks databases, terminals and readers of JSON; the page shows markup as text, so it may stay. */
const isHarmful = (text: string): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are meant
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]/.test(text) || !text.isWellFormed();

const ESC = '\u001b';
const TITLE = `Red ${ESC}[31malarm${ESC}[0m <b>&amp;</b> ${ESC}]0;owned\u0007 \u202eright to left`;

it('bytes and marks of every bad kind are stored as harmless text, and the work is committed and merged', async () => {
  const { orchestrators, ids, target } = await assembly.run([
    { title: TITLE, description: TITLE },
    { title: `fails ${TITLE}`, maxAttempts: 1 },
  ]);
  const [id = '', failing = ''] = ids;
  const daemon = await assembly.daemon({
    orchestrators,
    level: 'debug',
    command: assembly.agent(`
const bad = Buffer.concat([
  Buffer.from('nul[\\0] esc[\\u001b[31mred\\u001b[0m] title[\\u001b]0;owned\\u0007] html[<script>&] '),
  Buffer.from([0x62, 0xff, 0xfe, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0xc2, 0x9b, 0x0a]),
]);
process.stdout.write(bad);
process.stderr.write(bad);
const text = '"nul \\\\u0000 lone \\\\ud800 esc \\\\u001b[31m html <b> c1 \\\\u009b1m"';
console.log('::neolith {"progress": 50, "message": ' + text + '}');
console.log('::neolith {"artifact": {"type": ' + text + ', "content": {' + text + ': [' + text + ']}}}');
console.log('::neolith {"metadata": {' + text + ': ' + text + '}}');
if (task.title.startsWith('fails')) {
  process.stderr.write(bad);
  process.exit(3);
}
const name = (head) => Buffer.concat([Buffer.from(head), Buffer.from([0xff, 0x1b, 0x5b, 0x33, 0x31, 0x6d, 0x0a, 0xc2, 0x9b]), Buffer.from('.txt')]);
writeFileSync(name('own-'), 'committed by the agent');
execFileSync('git', ['add', '--all']);
execFileSync('git', ['-c', 'i18n.commitEncoding=latin1', 'commit', '-q', '-F', '-'], { input: Buffer.concat([Buffer.from('Own '), bad.filter((byte) => byte !== 0)]) });
writeFileSync(name('left-'), 'left to the daemon');
execFileSync('git', ['update-index', '--assume-unchanged', 'README.md']);
writeFileSync('README.md', bad);
console.log('::neolith {"output": {' + text + ': ' + text + '}}');
`),
  });
  const done = await work.untilStatus(id, 'DONE');
  const failed = await work.untilStatus(failing, 'FAILED');
  expect(failed.attempts[0]?.error).toMatch(/html\[<script>&\]/);

  // Whatever the server tells of it, each text by itself: in JSON a control character would be escaped.
  const told: string[] = [];
  const collect = (value: unknown): void => {
    if (typeof value === 'string') told.push(value);
    else if (value !== null && typeof value === 'object' && !(value instanceof Date)) {
      for (const [key, inner] of Object.entries(value)) {
        told.push(key);
        collect(inner);
      }
    }
  };
  // What a person calls a task is kept as it was given, and made harmless where it is shown.
  for (const { title: _title, description: _description, ...rest } of [done, failed]) {
    collect(rest);
    collect(await work.events(rest.id));
  }
  for (const { id: attemptId } of [...done.attempts, ...failed.attempts]) {
    const { chunks } = await work.engine.readAttemptLog(attemptId);
    expect(chunks.length).toBeGreaterThan(0);
    collect(chunks);
    collect(await work.engine.getAttempt(attemptId));
  }
  expect(told.filter(isHarmful)).toEqual([]);
  expect(told.join('\n')).toContain('html <b>');
  const log = daemon.log();
  expect(isHarmful(log)).toBe(false);
  for (const line of log.trimEnd().split('\n')) JSON.parse(line);
  for (const file of readdirSync(work.path('logs')))
    expect(isHarmful(readFileSync(`${work.path('logs')}/${file}`, 'utf8'))).toBe(false);

  // Names and bytes of files are the agent's own, whatever they are; subjects are ours.
  const names = assembly.shop.git('ls-tree', '-r', '-z', '--name-only', target).split('\0');
  expect(names.filter((name) => /^(own|left)-/.test(name))).toHaveLength(2);
  const subject = assembly.shop.git('show', '-s', '--format=%s', target);
  expect(isHarmful(subject)).toBe(false);
  expect(subject).toBe('Red alarm <b>&amp;</b> right to left');
});
