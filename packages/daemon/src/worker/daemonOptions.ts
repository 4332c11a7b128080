import type { Criteria, NeolithClient } from '@neolith/contracts';
import type { AgentAdapter } from '../agents/agentAdapter.js';
import type { Merger } from '../agents/merger.js';
import type { AgentChooser } from './agentChooser.js';
import type { AttemptListener } from './attemptEvents.js';
import type { WorkerLog } from './log.js';
import type { Workplace } from './workplace.js';

export interface DaemonOptions {
  readonly client: NeolithClient;
  /** Does the tasks; or says who does which. */
  readonly agent: AgentAdapter | AgentChooser;
  /**
   * Names the daemon in its workspace and on its machine: started again under the same name it is the same daemon,
   * and ends what its earlier life left running.
   */
  readonly name: string;
  /**
   * Ids of those it serves, or what finds them once the server answers; `all` serves every orchestrator of the
   * workspace, later ones too.
   */
  readonly orchestrators: readonly string[] | (() => Promise<readonly string[]>) | 'all';
  /** Holds a directory for each attempt while it runs. Made when missing; of this user alone. */
  readonly attemptsDirectory: string;
  /** Where agents work. Default: the directory of the attempt, which goes with it. */
  readonly workplace?: Workplace;
  /** A file there keeps what the agent of each attempt prints, beside the server. Default: none. */
  readonly logsDirectory?: string;
  /** How many agents run at once, over all orchestrators. Default 3. */
  readonly slots?: number;
  /** As shown beside its name. Default: the host name. */
  readonly host?: string;
  readonly version?: string;
  /** Default 30. Renewed three times within it. */
  readonly leaseSeconds?: number;
  /** How long a claim call waits for work. Default 20, at most 25. */
  readonly waitSeconds?: number;
  /** Of tasks that have none of their own; milliseconds. Default 3,600,000. */
  readonly taskTimeoutMs?: number;
  /**
   * An agent that for so long neither prints anything nor uses the processor is ended, and its attempt fails; milliseconds,
   * default 900,000, `null`: never. Agents that are commands of the operator's own may be silent for as long as they like.
   */
  readonly stalledAfterMs?: number | null;
  /**
   * The program and first arguments by which neolith is called on this machine: agents ask for resources by it. Default:
   * `neolith`, as they find it in their PATH.
   */
  readonly command?: readonly string[];
  /** Which tasks it claims, such as those of one run. Default: all of those it serves. */
  readonly criteria?: Criteria;
  /** Merges code that is complete, where the run of a task has a merge stage. Default: there is nothing to merge. */
  readonly merger?: Merger;
  /** Milliseconds. Default 1,800,000. */
  readonly mergeTimeoutMs?: number;
  /**
   * How many tasks may wait for their merge, or be merged, beside those that hold a slot; each one more takes a slot.
   * Default: as many as there are slots.
   */
  readonly mergesAside?: number;
  /** Between TERM and KILL. Default 10,000. */
  readonly graceMs?: number;
  /** How long `drain` lets agents finish, milliseconds. Default 600,000. */
  readonly drainMs?: number;
  /** Between two looks for new orchestrators, with `all`. Default 30,000. */
  readonly refreshMs?: number;
  /** Never handed on, in whatever form: the token, for one. */
  readonly secrets?: readonly string[];
  readonly log?: WorkerLog;
  /** Told what its attempts do. */
  readonly onAttempt?: AttemptListener;
  /** In [0, 1), for jitter. Default Math.random. */
  readonly random?: () => number;
}

export const DAEMON_DEFAULTS = {
  slots: 3,
  leaseSeconds: 30,
  waitSeconds: 20,
  taskTimeoutMs: 60 * 60_000,
  mergeTimeoutMs: 30 * 60_000,
  graceMs: 10_000,
  drainMs: 10 * 60_000,
  refreshMs: 30_000,
} as const;

/** An agent that we end in a hurry. */
export const FORCED_GRACE_MS = 2_000;
/** How long the last calls of a daemon that ends may take in all. */
export const FAREWELL_MS = 10_000;
