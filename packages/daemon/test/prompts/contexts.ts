import type { TaskExecutionContext } from '@neolith/contracts';
import type { ProjectFacts, PromptParts } from '../../src/prompts/index.js';

type Task = TaskExecutionContext['task'];

/** A task that says nothing but its title, owned by an orchestrator without a charter. */
export function makeContext(
  task: Partial<Task> = {},
  rest: Partial<Omit<TaskExecutionContext, 'task'>> = {},
): TaskExecutionContext {
  const at = new Date('2026-11-20T09:00:00Z');
  return {
    task: {
      id: 'task_01',
      workspaceId: 'workspace_01',
      orchestratorId: 'orchestrator_01',
      channelId: null,
      parentId: null,
      runId: null,
      wave: null,
      title: 'Add a health check',
      description: '',
      acceptanceCriteria: [],
      priority: 'MEDIUM',
      status: 'IN_PROGRESS',
      tags: [],
      resources: [],
      dueAt: null,
      createdAt: at,
      updatedAt: at,
      availableAt: null,
      claimedAt: at,
      finishedAt: null,
      progress: 0,
      progressMessage: null,
      blockedReason: null,
      blockedQuestion: null,
      answer: null,
      maxAttempts: 3,
      attemptCount: 1,
      failureCount: 0,
      lostCount: 0,
      mergeFailureCount: 0,
      timeoutSeconds: null,
      estimateMinutes: null,
      metadata: {},
      source: null,
      sourceId: null,
      ...task,
    },
    orchestrator: {
      id: 'orchestrator_01',
      name: 'Ada',
      role: 'Engineer',
      discipline: 'Backend',
      capabilities: [],
      daemonEndpoint: null,
    },
    charter: { mission: null, vision: null, values: [], expertise: [] },
    dependencies: [],
    relatedTasks: [],
    previousAttempts: [],
    workspace: { id: 'workspace_01', slug: 'shop', name: 'Shop' },
    channel: null,
    ...rest,
  };
}

/** A task that says all there is to say, tried before, in a run where others are at work. */
export function makeFullContext(): TaskExecutionContext {
  const context = makeContext(
    {
      title: 'Let customers pay by invoice',
      description: [
        'Companies ask for it; today they can only pay by card.',
        '',
        '## Goals',
        '',
        'A company with credit sees "Invoice" among the ways to pay.',
        '',
        '## Key activities',
        '',
        '1. Read how card payments are made.',
        '2. Add the new way beside it.',
        '',
        '## Deliverables',
        '',
        '- `src/payments/invoice.ts` with its tests',
        '',
        '## Technical implementation',
        '',
        'Follow `src/payments/card.ts`:',
        '',
        '```ts',
        '# no heading',
        'registerPayment(card);',
        '```',
        '',
        '## Test plan',
        '',
        'One test for each way out.',
        '',
        '## Out of scope',
        '',
        'Reminders.',
      ].join('\n'),
      acceptanceCriteria: ['A company with credit can choose it', 'Others never see it'],
      priority: 'HIGH',
      tags: ['payments', 'checkout'],
      dueAt: new Date('2026-12-24T12:00:00Z'),
      estimateMinutes: 240,
      timeoutSeconds: 3_600,
      blockedReason: 'Who has credit is not decided',
      blockedQuestion: 'Which companies have credit?',
      answer: 'Those with the flag `credit`.',
    },
    {
      charter: {
        mission: 'A shop that anyone can use',
        vision: null,
        values: ['small steps', 'plain words'],
        expertise: ['TypeScript'],
      },
      dependencies: [
        {
          taskId: 'task_00',
          title: 'Give companies a credit flag',
          status: 'DONE',
          finishedAt: new Date('2026-11-19T17:00:00Z'),
          result: {
            output: { summary: 'Company.credit is there, default false.' },
            artifacts: [{ type: 'file', content: 'prisma/migrations/0042_credit' }],
            error: null,
          },
        },
      ],
      relatedTasks: [
        {
          taskId: 'task_02',
          title: 'Print invoices',
          status: 'TODO',
          priority: 'LOW',
          relation: 'sibling',
          sharedTags: ['payments'],
        },
      ],
      previousAttempts: [
        { number: 2, status: 'BLOCKED', error: null, agent: 'claude', failureClass: null },
        {
          ...{ number: 1, status: 'FAILED', error: 'npm test exited with 1: 2 tests failed' },
          ...{ agent: 'claude', failureClass: 'task' },
        },
      ],
      channel: { id: 'channel_01', name: 'checkout', purpose: 'All that leads to an order' },
    },
  );
  return { ...context, orchestrator: { ...context.orchestrator, capabilities: ['payments'] } };
}

export const PROJECT: ProjectFacts = {
  name: 'shop',
  technologies: ['Node.js', 'TypeScript', 'pnpm'],
  standards: [{ file: 'AGENTS.md', text: 'Small files. No default exports.' }],
  commands: [
    { purpose: 'tests', command: 'pnpm run test' },
    { purpose: 'lint', command: 'pnpm run lint' },
  ],
};

export const WORKTREE = {
  directory: '/srv/neolith/worktrees/attempt_03',
  branch: 'neolith/attempt_03',
  baseCommit: '1f0c2d9a6b3e4f5061728394a5b6c7d8e9f00112',
  targetBranch: 'main',
};

export const DELIMITER = '5d1c0a9e4b7f';

export function makeParts(parts: Partial<PromptParts> = {}): PromptParts {
  return {
    context: makeContext(),
    project: null,
    worktree: null,
    agent: 'claude',
    delimiter: DELIMITER,
    ...parts,
  };
}
