import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { applyCleanup, planCleanup } from '../../src/git/cleanup.js';
import { commitWork } from '../../src/git/commitWork.js';
import { findMergedWork } from '../../src/git/mergedWork.js';
import { beginAttempt, doAttempt, factsOf, makeWorkshop, merge, RUN } from './support/workshop.js';

it('merges twelve branches, two of them in conflict: one line, nothing lost, no worktree left', async () => {
  const shop = makeWorkshop({ 'shared.txt': 'begin\n', '.gitignore': 'build/\n' });
  try {
    const repository = await shop.open();
    const ids = Array.from({ length: 12 }, (_, index) => `att_${String(index).padStart(2, '0')}`);
    for (const [index, id] of ids.entries()) {
      // The third and the eighth want the same line.
      const shared = index === 2 || index === 7 ? { 'shared.txt': `${id}\n` } : {};
      await doAttempt(shop, repository, id, { [`${id}.txt`]: `${id}\n`, 'build/out.bin': id, ...shared });
    }
    const check = { command: 'test -e shared.txt', hostEnvironment: { PATH: process.env.PATH } };
    // Four at a time, as four agents end.
    const failed: string[] = [];
    for (let start = 0; start < ids.length; start += 4) {
      const group = ids.slice(start, start + 4);
      const merged = await Promise.all(group.map((id) => merge({ repository, check }, id)));
      for (const [index, { verdict }] of merged.entries()) {
        if (verdict.kind !== 'merged') failed.push(`${group[index]} ${verdict.kind}`);
      }
    }
    expect(failed).toHaveLength(1);
    expect(failed[0]).toMatch(/^att_0[27] failed$/);
    const lost = failed[0]?.split(' ')[0] ?? '';

    // It is kept until it is done again, on what came in meanwhile.
    const first = await applyCleanup(repository, await planCleanup(repository, { activeAttemptIds: [] }));
    expect(first.removed).toHaveLength(11);
    expect(first.kept).toMatchObject([{ attemptId: lost, reason: 'UNMERGED' }]);
    const again = await beginAttempt(repository, 'att_again', { taskId: `task_${lost}` });
    shop.write({ [`${lost}.txt`]: `${lost}\n`, 'shared.txt': 'both\n' }, again.directory);
    await commitWork(repository, again, factsOf('att_again'));
    expect((await merge({ repository, check }, 'att_again')).verdict.kind).toBe('merged');
    const [work] = await findMergedWork(repository, `neolith/${RUN}`, { taskId: `task_${lost}` });
    expect(work?.attemptId).toBe('att_again');

    const target = `neolith/${RUN}`;
    expect(shop.git('rev-list', '--merges', '--count', target)).toBe('0');
    expect(shop.git('rev-list', '--count', `main..${target}`)).toBe('12');
    const files = shop.git('ls-tree', '-r', '--name-only', target).split('\n');
    expect(files).toEqual(['.gitignore', ...ids.map((id) => `${id}.txt`), 'shared.txt'].sort());
    for (const id of ids) expect(shop.git('show', `${target}:${id}.txt`)).toBe(id);

    const last = await applyCleanup(repository, await planCleanup(repository, { activeAttemptIds: [] }));
    expect(last.removed.map((item) => item.attemptId)).toEqual(['att_again']);
    expect(last.kept.map((item) => item.attemptId)).toEqual([lost]);
    expect(readdirSync(repository.worktreesDirectory)).toEqual([lost]);
    expect(readdirSync(join(shop.path, '.git/worktrees'))).toEqual([lost]);
    expect(shop.git('status', '--porcelain')).toBe('');
  } finally {
    shop.remove();
  }
});
