import { createHash } from 'node:crypto';

/** The part of a task's context that the demo agent looks at. */
export interface DemoContext {
  readonly task: {
    readonly id: string;
    readonly title: string;
    readonly tags: readonly string[];
    readonly acceptanceCriteria: readonly string[];
  };
  readonly orchestrator: { readonly name: string; readonly discipline: string };
  readonly dependencies: readonly { readonly title: string }[];
  readonly previousAttempts: readonly unknown[];
}

export interface DemoStep {
  readonly message: string;
  /** Lines for its log. */
  readonly printed: readonly string[];
}

export interface DemoWork {
  readonly durationMs: number;
  /** What it says it is doing, one after another, and what it prints meanwhile. */
  readonly steps: readonly DemoStep[];
  /** What it fails with halfway; null: it succeeds. */
  readonly failure: string | null;
  readonly output: { readonly summary: string; readonly changed: readonly string[]; readonly checks: object };
  /** Markdown. */
  readonly notes: string;
}

const FAILURES = [
  'The test suite timed out after 300 s; one container did not become healthy.',
  'Merge conflict in package-lock.json; the base branch has moved.',
  'The staging API answered 502 three times in a row.',
];

const STEPS: Readonly<Record<string, readonly string[]>> = {
  Engineering: ['Writing a failing test', 'Changing the code', 'Running the tests', 'Tidying up'],
  Design: [
    'Sketching two variants',
    'Comparing them with the guidelines',
    'Drawing the states',
    'Writing the hand-off',
  ],
  Operations: ['Rehearsing on staging', 'Applying the change', 'Watching the graphs', 'Updating the runbook'],
  Research: ['Collecting the data', 'Cleaning it', 'Looking for patterns', 'Writing up the findings'],
};
const OTHER_STEPS = ['Gathering facts', 'Drafting', 'Checking', 'Writing it up'];

/** Decides what the demo agent does with a task; the same task always gets the same. Pure. */
export function planDemoWork({ task, orchestrator, dependencies, previousAttempts }: DemoContext): DemoWork {
  const digest = createHash('sha256').update(task.id).digest();
  const draw = (index: number, below: number): number => digest.readUInt16BE(index * 2) % below;
  const fails = draw(0, 7) === 0 && previousAttempts.length === 0;
  const topic = task.tags[0] ?? 'core';
  const built = dependencies.map(({ title }) => title);
  const files = 1 + draw(2, 6);
  const tests = 8 + draw(3, 60);
  const changed = Array.from({ length: files }, (_, index) => `${topic}/part-${index + 1}.ts`);
  const messages = [
    'Reading the task',
    ...(built.length === 0
      ? []
      : [`Looking at what ${built.length} finished ${built.length === 1 ? 'task' : 'tasks'} brought`]),
    ...(STEPS[orchestrator.discipline] ?? OTHER_STEPS),
  ];
  return {
    durationMs: 20_000 + draw(1, 60_001),
    steps: messages.map((message, index) => ({
      message,
      printed: [
        `> ${message}`,
        `  ${changed[index % files]}: ${1 + draw(5 + index, 90)} lines`,
        `  ${Math.floor((tests * (index + 1)) / messages.length)} of ${tests} checks pass`,
      ],
    })),
    failure: fails ? (FAILURES[draw(4, FAILURES.length)] ?? null) : null,
    output: {
      summary: `${task.title}: done. ${files} ${files === 1 ? 'file' : 'files'} changed, ${tests} checks pass.`,
      changed,
      checks: { passed: tests, failed: 0 },
    },
    notes: [
      `# ${task.title}`,
      '',
      `By ${orchestrator.name}. This is a demo: nothing was really changed.`,
      ...(built.length === 0 ? [] : ['', 'Built upon:', ...built.map((title) => `- ${title}`)]),
      ...(task.acceptanceCriteria.length === 0
        ? []
        : ['', 'Checked:', ...task.acceptanceCriteria.map((criterion) => `- [x] ${criterion}`)]),
    ].join('\n'),
  };
}
