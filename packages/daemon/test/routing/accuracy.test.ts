import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { classifyTask, type TaskText, type TaskType } from '../../src/routing/index.js';
import { halfOf, PLANS_ARE_THERE, readLabels, readRealTasks, WHY_SKIPPED } from './realTasks.js';

const labels = readLabels();

interface Judged {
  readonly id: string;
  readonly label: TaskType;
  readonly type: TaskType;
  readonly confidence: number;
  readonly half: 'making' | 'heldOut';
}

test('at least 150 real tasks are labelled, in two halves that only their ids decide', () => {
  expect(labels.size).toBeGreaterThanOrEqual(150);
  const heldOut = [...labels.keys()].filter((id) => halfOf(id) === 'heldOut').length;
  expect(heldOut).toBeGreaterThanOrEqual(75);
  expect(labels.size - heldOut).toBeGreaterThanOrEqual(75);
});

describe.skipIf(!PLANS_ARE_THERE)(`${labels.size} real tasks${WHY_SKIPPED}`, () => {
  const tasks = PLANS_ARE_THERE ? readRealTasks() : new Map<string, TaskText>();

  const judge = (look: (task: TaskText) => TaskText): Judged[] =>
    // The body of a skipped suite is run all the same.
    [...(PLANS_ARE_THERE ? labels : [])].map(([id, label]) => {
      const task = tasks.get(id);
      if (task === undefined) throw new Error(`${id} is labelled, but not among the tasks.`);
      const { type, confidence } = classifyTask(look(task));
      return { id, label, type, confidence, half: halfOf(id) };
    });
  /** What the tracker itself called them is not looked at: words alone. */
  const byText = judge((task) => ({ ...task, metadata: {} }));
  const byWords = judge((task) => ({ ...task, metadata: {}, tags: [] }));
  const byAll = judge((task) => task);

  test('the types of most are recognised, and far more than by always saying the commonest', () => {
    const baseline = Math.max(...[...countBy(byText, ({ label }) => label).values()]) / byText.length;
    const rows = (['making', 'heldOut'] as const).map((half) => {
      const of = (list: Judged[]) => list.filter((one) => one.half === half);
      const commonest = Math.max(...[...countBy(of(byText), ({ label }) => label).values()]);
      return {
        half,
        tasks: of(byText).length,
        baseline: percent(commonest / of(byText).length),
        'title and text': percent(accuracy(of(byWords))),
        'and tags': percent(accuracy(of(byText))),
        "and the tracker's type": percent(accuracy(of(byAll))),
        'mean of types': percent(meanOfTypes(of(byText))),
      };
    });
    console.table(rows);
    console.table(
      [...new Set(byText.map(({ label }) => label))].map((type) => ({
        type,
        labelled: byText.filter(({ label }) => label === type).length,
        found: percent(accuracy(byText.filter(({ label }) => label === type))),
        right: percent(accuracy(byText.filter((one) => one.type === type))),
      })),
    );
    if (process.env.NEOLITH_SHOW_WRONG === '1') {
      const wrong = byText.filter(({ half, label, type }) => half === 'making' && label !== type);
      for (const { id, label, type } of wrong)
        console.log(`${id} is ${label}, taken for ${type}: ${tasks.get(id)?.title}`);
    }
    expect(accuracy(byText.filter(({ half }) => half === 'making'))).toBeGreaterThan(0.8);
    expect(accuracy(byText.filter(({ half }) => half === 'heldOut'))).toBeGreaterThan(0.7);
    expect(accuracy(byText)).toBeGreaterThan(baseline + 0.25);
  });

  test('the page says how often', () => {
    const page = readFileSync(new URL('../../../../docs/concepts/routing.md', import.meta.url), 'utf8');
    const [making, heldOut] = (['making', 'heldOut'] as const).map((half) => {
      const of = byText.filter((one) => one.half === half);
      const commonest = Math.max(...countBy(of, ({ label }) => label).values());
      return { right: Math.round(accuracy(of) * 100), always: Math.round((commonest / of.length) * 100) };
    });
    expect(page.replace(/\s+/g, ' ')).toContain(
      `${labels.size} real tasks of two public projects, read and labelled by whoever wrote the weights; mistakes were looked at in one half only. In that half it is right in ${making?.right} of 100, in the other in ${heldOut?.right}; always saying the commonest type is right in ${making?.always} and ${heldOut?.always}.`,
    );
  });

  test('those it is sure of it has right more often', () => {
    const sure = byText.filter(({ confidence }) => confidence >= 0.6);
    const unsure = byText.filter(({ confidence }) => confidence < 0.4);
    console.table({
      'confidence from 0.6': { tasks: sure.length, right: percent(accuracy(sure)) },
      'confidence below 0.4': { tasks: unsure.length, right: percent(accuracy(unsure)) },
    });
    expect(sure.length).toBeGreaterThan(30);
    expect(unsure.length).toBeGreaterThan(30);
    expect(accuracy(sure)).toBeGreaterThan(accuracy(unsure) + 0.1);
  });

  test('a second look gives the same answers', () => {
    for (const task of [...tasks.values()].slice(0, 200))
      expect(classifyTask(task)).toEqual(classifyTask(task));
  });
});

function accuracy(list: readonly Judged[]): number {
  return list.filter(({ label, type }) => label === type).length / list.length;
}

/** Every type counts alike here, however few tasks are of it. */
function meanOfTypes(list: readonly Judged[]): number {
  const types = [...countBy(list, ({ label }) => label).keys()];
  return (
    types.reduce((sum, type) => sum + accuracy(list.filter(({ label }) => label === type)), 0) / types.length
  );
}

function countBy<T, K>(list: readonly T[], key: (item: T) => K): Map<K, number> {
  const counts = new Map<K, number>();
  for (const item of list) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return counts;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
