import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DAEMON_METRICS } from '../src/metrics/index.js';

it('finds every metric of a daemon on its page, as the code has it', () => {
  const page = readFileSync(new URL('../../../docs/guides/operate.md', import.meta.url), 'utf8');
  const section = page.split(/^#{2,3} /m).find((part) => part.startsWith('Of a daemon\n')) ?? '';
  const rows = section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  expect(rows).toEqual(
    Object.values(DAEMON_METRICS).map(({ name, type, labels, help }) => [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(', '),
      help,
    ]),
  );
});
