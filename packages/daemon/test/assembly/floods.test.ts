import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ATTEMPT_LOG_BYTES_MAX } from '@neolith/contracts';
import { expect, it } from 'vitest';
import { openAssembly } from './support/assembly.js';

const assembly = openAssembly();
const { work } = assembly;
const MIB = 1024 * 1024;

async function readLog(attemptId: string) {
  let text = '';
  let missing = 0;
  for (let after = 0; ; ) {
    const page = await work.engine.readAttemptLog(attemptId, { after });
    for (const { entries, droppedBytes } of page.chunks) {
      missing += droppedBytes;
      text += entries.map((entry) => `${entry.text}\n`).join('');
    }
    after = page.next;
    if (!page.more) return { text, missing };
  }
}

// A gigabyte is tried with the parts alone, in test/worker/logFlood.test.ts; here with everything else around it.
it('a flood of 100 MB and a line of 50 MB: logs capped with a mark, memory bounded, leases kept, work merged', async () => {
  const { orchestrators, ids, target } = await assembly.run([{ title: 'flood' }, { title: 'line' }]);
  const [flood = '', line = ''] = ids;
  const daemon = await assembly.daemon({
    orchestrators,
    leaseSeconds: 3,
    command: assembly.agent(`
const print = (text) => new Promise((resolve) => process.stdout.write(text, resolve));
writeFileSync(task.title + '.txt', 'work');
const piece = task.title === 'line' ? 'x'.repeat(64_000) : ('x'.repeat(79) + '\\n').repeat(800);
await print('first\\n');
for (let bytes = (task.title === 'line' ? 50 : 100) * ${MIB}; bytes > 0; bytes -= piece.length) await print(piece);
await print('\\nlast\\n');
say({ output: 'printed' });
`),
  });
  for (const id of ids) {
    const done = await work.untilStatus(id, 'DONE');
    // With a lease of three seconds: no heartbeat came too late.
    expect(done.attempts.map(({ status }) => status)).toEqual(['SUCCEEDED']);
    expect(done.result?.output).toMatchObject({});
  }
  daemon.child.kill('SIGTERM');
  expect(await daemon.ended).toBe(0);
  expect(daemon.report().memoryBytesMax).toBeLessThan(450 * MIB);
  expect(assembly.shop.git('ls-tree', '-r', '--name-only', target).split('\n')).toEqual([
    'README.md',
    'flood.txt',
    'line.txt',
  ]);

  const attemptOf = async (id: string) => (await work.engine.getTask(id)).attempts[0]?.id ?? '';
  const flooded = await readLog(await attemptOf(flood));
  expect(Buffer.byteLength(flooded.text)).toBeLessThanOrEqual(ATTEMPT_LOG_BYTES_MAX);
  expect(Buffer.byteLength(flooded.text) + flooded.missing).toBeGreaterThan(100 * MIB);
  expect(flooded.text).toMatch(/^first\nx{79}\n/);
  expect(flooded.text).toMatch(/\nlast\n$/);
  const lined = await readLog(await attemptOf(line));
  expect(lined.text).toMatch(/^first\nx+\[… 5\d{7} bytes dropped …\]x+\nlast\n$/);
  const local = work.path('logs');
  expect(readdirSync(local).sort()).toEqual(
    [`${await attemptOf(flood)}.log`, `${await attemptOf(line)}.log`].sort(),
  );
  for (const name of readdirSync(local)) {
    const file = join(local, name);
    expect(statSync(file).size).toBeLessThan(ATTEMPT_LOG_BYTES_MAX * 1.1);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toMatch(/\[… \d+ bytes dropped …\]/);
  }
});
