import { join, resolve } from 'node:path';
import {
  AGENT_NAMES,
  type AgentAdapter,
  type AgentsConfig,
  createConfiguredAgent,
  createGitMerger,
  createShellMerger,
  gitWorkplace,
  hasGitCode,
  type Merger,
  nameRunBranch,
  openRepository,
  type ProjectFacts,
  plainWorkplace,
  type Repository,
  type RoutingChooser,
  readProjectFacts,
  routeAgents,
  type Workplace,
} from '@neolith/daemon';
import { CommandError } from '../output/commandError.js';
import { type AgentsConfigFlags, loadAgentsConfig } from './loadAgentsConfig.js';
import { type FollowedRouter, readRouter } from './readRouter.js';

export interface WorkerFlags extends AgentsConfigFlags {
  readonly agent: readonly string[];
  readonly shellCommand?: string;
  readonly model?: string;
  /** A file, or a directory that holds a `router.config.json`. */
  readonly router?: string;
  readonly target?: string;
  readonly merge: 'rebase' | 'merge';
  readonly check?: string;
  readonly mergeCommand?: string;
  /** Nothing is made, and no repository is needed. */
  readonly dryRun?: true;
  readonly cache?: true;
  /** Seconds; null: never. */
  readonly stalledAfter?: number | null;
}

/** Who does the tasks, where, and what brings their work together. */
export interface Workers {
  readonly agents: RoutingChooser;
  readonly router: FollowedRouter;
  readonly workplace: Workplace;
  /** Null: nothing is to be merged. */
  readonly merger: Merger | null;
  /** Null: agents work in no repository. */
  readonly repository: Repository | null;
  readonly project: ProjectFacts | null;
  /** Never handed on. */
  readonly secrets: readonly string[];
  /** Into which the work of a run is merged; null: into none. */
  targetOf(runId: string): string | null;
}

/**
 * What flags and environment say.
 * @throws CommandError `AGENT_NOT_FOUND` where none of the agents can be started here, `SETTINGS_CONTRADICT`;
 *   AgentsConfigError where what the operator has set for agents can't be used
 */
export async function prepareWorkers(options: WorkerFlags, home: string): Promise<Workers> {
  const shellCommand = options.shellCommand ?? (process.env.NEOLITH_SHELL_COMMAND || undefined);
  const configured = await loadAgentsConfig(options, process.env);
  const adapters = await findAgents(options, configured, shellCommand, home);
  const repository = await findRepository(options, isShellAlone(options, configured, shellCommand), home);
  const directory = repository?.openedPath ?? resolve(options.workDirectory ?? '.');
  const project = repository === null ? null : await readProjectFacts(directory);
  const router = await readRouter(options.router, directory);
  const agents = await routeAgents({
    adapters,
    config: router,
    named: options.agent.length > 0 || shellCommand !== undefined,
    project,
    ...(options.model === undefined ? {} : { model: options.model }),
  });
  const surroundings = { hostEnvironment: process.env, baseDirectory: process.cwd() };
  const mergeCommand = options.mergeCommand ?? (process.env.NEOLITH_MERGE_COMMAND || undefined);
  const target = options.target ?? null;
  return {
    agents,
    router,
    repository,
    project,
    workplace:
      repository === null
        ? plainWorkplace(directory)
        : gitWorkplace({ repository, targetBranch: target, reuseResults: options.cache === true }),
    merger:
      mergeCommand !== undefined
        ? createShellMerger(surroundings, { command: mergeCommand })
        : repository === null
          ? null
          : createGitMerger({
              repository,
              strategy: options.merge,
              check:
                options.check === undefined ? null : { command: options.check, hostEnvironment: process.env },
            }),
    secrets: configured.secrets,
    targetOf: (runId) => (repository === null ? null : (target ?? nameRunBranch(runId))),
  };
}

/** A shell command that was given does all tasks; one that is set up in the file must be asked for. */
function isShellAlone(
  { agent }: WorkerFlags,
  { agents }: AgentsConfig,
  shellCommand: string | undefined,
): boolean {
  const isAsked = agent.length > 0 && agents.shell?.command !== undefined;
  return (shellCommand !== undefined || isAsked) && agent.every((name) => name === 'shell');
}

async function findRepository(
  options: WorkerFlags,
  isShell: boolean,
  home: string,
): Promise<Repository | null> {
  if (options.workDirectory !== undefined) {
    if (options.repoPath === undefined) return null;
    throw new CommandError(
      'usage',
      'SETTINGS_CONTRADICT',
      'Give either --repo-path, for a worktree for each attempt, or --work-directory, for one directory for all.',
    );
  }
  if (options.repoPath === undefined && isShell) return null;
  try {
    return await openRepository({
      path: options.repoPath ?? '.',
      worktreesDirectory: join(home, 'worktrees'),
      lookOnly: options.dryRun === true,
      environment: process.env,
    });
  } catch (error) {
    if (options.repoPath === undefined && hasGitCode(error, 'NOT_A_REPOSITORY')) {
      if (options.dryRun === true) return null;
      throw new CommandError(
        'usage',
        'NOT_A_REPOSITORY',
        'Agents work in a git repository, and this is none. Name one by --repo-path PATH, or let them work without by --work-directory .',
        { cause: error },
      );
    }
    throw error;
  }
}

async function findAgents(
  options: WorkerFlags,
  configured: AgentsConfig,
  shellCommand: string | undefined,
  home: string,
): Promise<Map<string, AgentAdapter>> {
  const surroundings = {
    hostEnvironment: process.env,
    baseDirectory: process.cwd(),
    // Not where somebody works: their checkout is theirs.
    promptsDirectory: join(home, 'prompts'),
  };
  const names =
    options.agent.length > 0 ? options.agent : shellCommand === undefined ? AGENT_NAMES : ['shell'];
  const adapters = new Map<string, AgentAdapter>(
    names.map((name) => [name, createConfiguredAgent(name, configured, surroundings, shellCommand)]),
  );
  const detections = await Promise.all(
    [...adapters.values()].map(async (adapter) => ({ name: adapter.name, ...(await adapter.detect()) })),
  );
  if (!detections.some(({ found }) => found)) {
    const remedies = options.agent.length > 0 ? detections.flatMap(({ remedy }) => remedy ?? []) : [];
    throw new CommandError(
      'usage',
      'AGENT_NOT_FOUND',
      [
        `None of these agents can be started here: ${names.join(', ')}.`,
        ...remedies,
        "Install one, or give a command of your own by --shell-command 'COMMAND' or NEOLITH_SHELL_COMMAND. `neolith doctor` looks at all of them.",
      ].join(' '),
    );
  }
  return adapters;
}

/** For a daemon: when an agent counts as stalled. */
export function describeStall({ stalledAfter }: Pick<WorkerFlags, 'stalledAfter'>): {
  stalledAfterMs?: number | null;
} {
  if (stalledAfter === undefined) return {};
  return { stalledAfterMs: stalledAfter === null ? null : stalledAfter * 1_000 };
}
