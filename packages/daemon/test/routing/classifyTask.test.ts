import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { classifyTask, TASK_TYPES, type TaskText } from '../../src/routing/index.js';

const task = (title: string, rest: Partial<TaskText> = {}): TaskText => ({
  title,
  description: null,
  tags: [],
  acceptanceCriteria: [],
  estimateMinutes: null,
  ...rest,
});

describe('type', () => {
  test.each([
    ['Fix the crash when the list is empty', 'bug'],
    ['fix(api): accept empty lists', 'bug'],
    ['Export hangs on Windows', 'bug'],
    ['Add CSV export to the report page', 'feature'],
    ['CLI: Support --json on every read', 'feature'],
    ['Deduplicate the two date parsers', 'refactor'],
    ['Remove unused helpers of the importer', 'refactor'],
    ['Add unit tests for the scheduler', 'test'],
    ['Improve test coverage of the store', 'test'],
    ['Document the retry settings', 'docs'],
    ['docs: name the defaults', 'docs'],
    ['Speed up the CI pipeline', 'infra'],
    ['Publish a Docker image', 'infra'],
    ['Investigate slow cold starts', 'research'],
    ['Code review: the new importer', 'research'],
    ['Design the permission model', 'design'],
    ['Decide how drafts are numbered', 'design'],
    ['Bump vite to 8.3', 'chore'],
    ['chore(deps): renovate', 'chore'],
  ])('%s: %s', (title, type) => {
    expect(classifyTask(task(title)).type).toBe(type);
  });

  test('what the plan itself calls a task outweighs its words, also among the fields of another system', () => {
    expect(classifyTask(task('Add an index', { metadata: { type: 'chore' } })).type).toBe('chore');
    expect(classifyTask(task('Add an index', { metadata: { beads: { issue_type: 'Bug' } } })).type).toBe(
      'bug',
    );
    expect(classifyTask(task('Add an index', { metadata: { type: 'epic' } })).type).toBe('feature');
  });

  test('files that are all of one kind speak for it', () => {
    const text = { description: 'src/a.test.ts and test/b.ts, then packages/x/test/c.ts' };
    expect(classifyTask(task('Bring these up to date', text)).type).toBe('test');
  });

  test('where nothing speaks for any type it says so, with no confidence', () => {
    expect(classifyTask(task('Xyzzy'))).toEqual({
      type: 'feature',
      confidence: 0,
      complexity: 'low',
      technologies: [],
      evidence: [
        'Nothing in the text says what kind of work this is; a feature is assumed.',
        'complexity: nothing speaks for more than a small change',
      ],
    });
  });

  test('the evidence can be read, the heaviest for the type that was chosen first', () => {
    const { evidence } = classifyTask(task('Fix the flaky export', { tags: ['bug'] }));
    expect(evidence[0]).toBe('bug: the title begins with "Fix" (+5)');
    expect(evidence).toContain('bug: tag "bug" (+3)');
    expect(evidence).toContain('test: the title says "flaky" (+3.5)');
  });
});

describe('complexity', () => {
  test.each([
    ['a small change of words', task('Fix a typo in the footer'), 'low'],
    ['an estimate of half an hour', task('Rewrite the parser', { estimateMinutes: 30 }), 'low'],
    ['an estimate of a day', task('Add a page', { estimateMinutes: 480 }), 'medium'],
    ['an estimate of a week', task('Add a page', { estimateMinutes: 2_400 }), 'high'],
    [
      'many criteria, many files and hard words',
      task('Rewrite the scheduler without race conditions', {
        description: 'a/b.ts c/d.ts e/f.ts g/h.ts i/j.ts k/l.ts m/n.ts o/p.ts, with a migration',
        acceptanceCriteria: Array.from({ length: 9 }, (_, index) => `It does ${index}`),
      }),
      'high',
    ],
  ])('%s', (_, what, complexity) => {
    expect(classifyTask(what).complexity).toBe(complexity);
  });

  test('each reason is named', () => {
    const { evidence } = classifyTask(task('Add a page', { estimateMinutes: 480 }));
    expect(evidence).toContain('complexity: estimated at 8 hours (+3)');
  });
});

test('technologies are those that the task names, by word, tag or file, then those of the repository', () => {
  const named = task('Move the Postgres schema', { description: 'see src/store/open.ts', tags: ['docker'] });
  expect(classifyTask(named, { technologies: ['pnpm', 'TypeScript'] }).technologies).toEqual([
    'TypeScript',
    'PostgreSQL',
    'Docker',
    'pnpm',
  ]);
});

test('texts of any kind and length are judged, and quickly', () => {
  fc.assert(
    fc.property(
      fc.record({
        title: fc.string({ unit: 'binary' }),
        description: fc.option(fc.string({ unit: 'binary', maxLength: 2_000 })),
        tags: fc.array(fc.string()),
        acceptanceCriteria: fc.array(fc.string()),
        estimateMinutes: fc.option(fc.integer({ min: 1, max: 1_000_000 })),
        metadata: fc.dictionary(fc.string(), fc.jsonValue()),
      }),
      (any) => {
        const { type, confidence, evidence } = classifyTask(any);
        expect(TASK_TYPES).toContain(type);
        expect(confidence).toBeGreaterThanOrEqual(0);
        expect(confidence).toBeLessThanOrEqual(1);
        expect(evidence.length).toBeGreaterThan(0);
        for (const line of evidence) expect(line).not.toContain('\n');
      },
    ),
    { numRuns: 300 },
  );
  const started = performance.now();
  for (const piece of ['a', ' ', '/', 'a/', '.', '[', 'fix ', '--', 'test ', '\n', 'x.ts '])
    classifyTask(task(piece.repeat(200_000), { description: piece.repeat(1_000_000) }));
  expect(performance.now() - started).toBeLessThan(10_000);
});
