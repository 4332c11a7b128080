import type { NeolithClient, Orchestrator, PlanImportResult, RunSettings } from '@neolith/contracts';
import type { NormalisedPlan } from '../plans/normalisedPlan.js';
import { plainLine } from '../process/plainLine.js';
import { type AssignmentRules, assignTasks } from './assignTasks.js';
import { CoordinatorError } from './coordinatorError.js';
import { findOrchestrator, listOrchestrators } from './findOrchestrators.js';
import { sourceOf, toPlanImport } from './planImport.js';

export interface StorePlanInput {
  readonly plan: NormalisedPlan;
  readonly source: string | undefined;
  readonly byTag: AssignmentRules['byTag'];
  /** Name or id. */
  readonly orchestrator: string | undefined;
  readonly channel: string | undefined;
  readonly settings: RunSettings;
  readonly dueAt: Date | null;
  readonly dryRun: boolean;
  readonly start: boolean;
  /** Who gets what nobody is named for: an id, or the only orchestrator if there is just one. Default: nobody. */
  readonly fallback?: string | 'the only one' | undefined;
}

export interface StoredPlan {
  readonly result: PlanImportResult;
  readonly orchestrators: readonly Orchestrator[];
  /** Open tasks of the plan that belong to nobody. */
  readonly unassigned: number;
}

/** Tens of thousands of tasks are stored in one transaction. */
const STORE_MS = 10 * 60_000;

/** Brings a plan to the server: as a new run, or by updating the run of the same source. */
export async function storePlan(client: NeolithClient, input: StorePlanInput): Promise<StoredPlan> {
  const { plan } = input;
  const orchestrators = await listOrchestrators(client);
  const [only] = orchestrators;
  const theOnlyOne = orchestrators.length === 1 ? only?.id : undefined;
  const fallback = input.fallback === 'the only one' ? theOnlyOne : input.fallback;
  const assigned = assignTasks(
    plan.tasks,
    { byTag: input.byTag, everybodyElse: input.orchestrator ?? null },
    orchestrators,
  );
  const assignments = new Map([...assigned].map(([id, who]) => [id, who ?? fallback ?? null]));
  const body = toPlanImport(plan, {
    source: sourceOf(plan, input.source),
    assignments,
    orchestratorId:
      input.orchestrator === undefined ? null : findOrchestrator(orchestrators, input.orchestrator).id,
    channelId: input.channel === undefined ? null : await findChannel(client, input.channel),
    settings: input.settings,
    dueAt: input.dueAt,
    dryRun: input.dryRun,
    start: input.start,
  });
  const result = await client.importPlan({ body, timeoutMs: STORE_MS });
  const unassigned = plan.tasks.filter(
    ({ sourceId, status }) => status === 'open' && assignments.get(sourceId) === null,
  ).length;
  return { result, orchestrators, unassigned };
}

async function findChannel(client: NeolithClient, wanted: string): Promise<string> {
  const { channels } = await client.listChannels();
  const found = channels.find(({ id, name }) => id === wanted || name === wanted);
  if (found !== undefined) return found.id;
  throw new CoordinatorError(
    'CHANNEL_NOT_FOUND',
    `There is no channel ${JSON.stringify(wanted)}. There are: ${channels.map(({ name }) => plainLine(name)).join(', ') || 'none'}.`,
  );
}
