import type { Run } from '@neolith/contracts';
import {
  type Coordinator,
  type CoordinatorOptions,
  createCoordinator,
  createGitMerger,
  createLog,
  gitWorkplace,
  nameRunBranch,
  openRepository,
  type Repository,
  readPlan,
} from '../../../src/index.js';
import { makeRepository } from '../../worker/support/repository.js';
import type { openWorkplace } from '../../worker/support/workplace.js';

export interface Executed {
  readonly coordinator: Coordinator;
  readonly repository: Repository;
  readonly orchestratorId: string;
  readonly run: Run;
  /** Into which its work is merged. */
  readonly target: string;
  /** What its daemon logged. */
  log(): string;
}

/** Stores a plan as a run with a merge stage and begins to do it in worktrees of a new repository. */
export async function executePlan(
  work: ReturnType<typeof openWorkplace>,
  input: {
    readonly plan: string;
    readonly files: Readonly<Record<string, string>>;
    readonly options: Pick<CoordinatorOptions, 'agent'> & Partial<CoordinatorOptions>;
  },
): Promise<Executed> {
  const logged: string[] = [];
  const repository = await openRepository({
    path: makeRepository(work.path('repository'), input.files),
    worktreesDirectory: work.path('worktrees'),
    environment: process.env,
  });
  const orchestrator = await work.orchestrator();
  const coordinator = createCoordinator({
    client: work.client(),
    name: work.uniqueName(),
    attemptsDirectory: work.path('attempts'),
    logsDirectory: work.path('logs'),
    workplace: gitWorkplace({ repository, targetBranch: null }),
    merger: createGitMerger({ repository, strategy: 'rebase', check: null }),
    maxConcurrent: 2,
    graceMs: 2_000,
    log: createLog({ form: 'json', level: 'debug', write: (line) => logged.push(line) }),
    ...input.options,
  });
  const { plan, problems } = readPlan({ fileName: 'plan.yaml', content: input.plan });
  if (plan === null) throw new Error(JSON.stringify(problems));
  const { run } = await coordinator.execute({
    plan,
    // Else the next one would be the same run.
    source: work.uniqueName(),
    fallback: orchestrator.id,
    settings: { mergeStage: true, maxConcurrentTasks: 2 },
  });
  return {
    coordinator,
    repository,
    orchestratorId: orchestrator.id,
    run,
    target: nameRunBranch(run.id),
    log: () => logged.join(''),
  };
}
