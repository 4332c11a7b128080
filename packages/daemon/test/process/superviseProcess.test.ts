import { expect, it } from 'vitest';
import { superviseShell } from './supervise.js';

it('reports the exit code and what was printed', async () => {
  const outcome = await superviseShell('echo out; echo err >&2; exit 3').exited;
  expect(outcome).toMatchObject({ kind: 'exited', code: 3, endedDescendants: 0, survivors: [], problem: null });
  expect(outcome.stdout.text).toBe('out\n');
  expect(outcome.stderr.text).toBe('err\n');
});
