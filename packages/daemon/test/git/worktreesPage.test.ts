import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { tellRemedy } from '../../src/git/keptReasons.js';
import * as daemon from '../../src/index.js';

const page = readFileSync(new URL('../../../../docs/concepts/worktrees.md', import.meta.url), 'utf8');

it('shows functions that the package has', () => {
  const [, names = ''] = /import \{([^}]+)\} from '@neolith\/daemon'/.exec(page) ?? [];
  const imported = names.split(',').map((name) => name.trim());
  const shown = [...page.matchAll(/`([a-z]\w+)`/gi)].map(([, name = '']) => name);
  const functions = [
    ...imported,
    ...shown.filter((name) => /^(?:plan|apply|compute|store|lookUp|reuse)[A-Z]/.test(name)),
  ];
  const exported: Record<string, unknown> = { ...daemon };
  expect(functions.filter((name) => name !== '' && typeof exported[name] !== 'function')).toEqual([]);
  expect(functions.length).toBeGreaterThanOrEqual(12);
});

it('names every reason for keeping something', () => {
  const [, list = ''] = /Reasons:((?: ?`[A-Z_]+`\n?)+)/.exec(page) ?? [];
  const reasons = [...list.matchAll(/`([A-Z_]+)`/g)].map(([, name = '']) => name);
  expect(reasons).toHaveLength(15);
  for (const reason of reasons) {
    const remedy = tellRemedy(reason as daemon.KeptReason, '/work/att_1', 'neolith/attempt_1');
    expect(remedy.length).toBeGreaterThan(10);
    expect(remedy).not.toMatch(/\bPATH\b|\bBRANCH\b/);
  }
});
