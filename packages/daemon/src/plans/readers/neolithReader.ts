import { type Plan, type PlanTask, parsePlanDue, planSchema } from '@neolith/contracts';
import { describeSchemaIssue } from '../describeSchemaIssue.js';
import { overlayBackoff } from '../overlayBackoff.js';
import { parseStructuredText } from '../parseStructuredText.js';
import type { DraftPlan, DraftTask, PlanReader, PlanText } from '../planReader.js';
import type { ProblemLog } from '../problemLog.js';
import { reportUnsafeValues } from '../reportUnsafeValues.js';
import type { StructuredDocument } from '../structuredDocument.js';
import { listPhaseGifts, type PhaseGifts } from './phaseGifts.js';

/** Our own plan format, as YAML or JSON; see docs/concepts/plan-format.md. */
export const neolithReader: PlanReader = {
  format: 'neolith',
  title: 'Neolith plan (YAML or JSON)',
  alwaysStrict: true,
  recognise({ file, text }) {
    if (/\.(?:ya?ml|json)$/i.test(file)) return 'certain';
    return /^\s*\{/.test(text) || /^(?:version|name|tasks|defaults)[ \t]*:/m.test(text) ? 'possible' : 'no';
  },
  read: readNeolithPlan,
};

function readNeolithPlan(source: PlanText, log: ProblemLog): DraftPlan | null {
  const document = parseStructuredText(source, log);
  if (document === null) return null;
  const { value, locate } = document;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const found = Array.isArray(value) ? 'a list' : value === null ? 'nothing' : `a ${typeof value}`;
    log.add(
      'TOP_LEVEL_INVALID',
      locate([]),
      `${source.file} holds ${found}; a plan is one object with "version", "name" and "tasks"${Array.isArray(value) ? '; put the list under "tasks"' : ''}.`,
    );
    return null;
  }
  if (reportUnsafeValues(value, locate, log)) return null;

  const parsed = planSchema.safeParse(value);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      for (const { code, path, message } of describeSchemaIssue(value, issue))
        log.add(code, locate(path), message);
    }
    return null;
  }
  return toDraft(parsed.data, document);
}

function toDraft(plan: Plan, document: StructuredDocument): DraftPlan {
  const statuses = new Map<string, number>();
  let dependencies = 0;
  let parents = 0;
  const gifts = listPhaseGifts(plan);
  const tasks = plan.tasks.map((task, index) => {
    const draft = toDraftTask(task, plan, gifts[index], (path) => document.locate(['tasks', index, ...path]));
    statuses.set(draft.status, (statuses.get(draft.status) ?? 0) + 1);
    dependencies += draft.dependsOn.length;
    parents += draft.parentSourceId === null ? 0 : 1;
    return draft;
  });
  const known = new Set(tasks.map((task) => task.sourceId));
  const danglingEdges = tasks
    .flatMap((task) =>
      task.parentSourceId === null ? task.dependsOn : [...task.dependsOn, task.parentSourceId],
    )
    .filter((id) => !known.has(id)).length;
  return {
    name: plan.name,
    description: plan.description ?? null,
    run: plan.run ?? null,
    phases: (plan.phases ?? []).map((phase, index) => {
      const locate: DraftTask['locate'] = (path) => document.locate(['phases', index, ...path]);
      const { id, name = id, parent = null, after = [] } = phase;
      return { id, name, parent, after, at: locate([]), locate };
    }),
    dependenciesComplete: plan.dependenciesComplete ?? false,
    dueAt: plan.defaults?.due === undefined ? null : parsePlanDue(plan.defaults.due),
    tasks,
    deletedSourceIds: new Set(),
    source: {
      rows: tasks.length,
      edgeTypes: new Map([
        ['dependsOn', dependencies],
        ['parent', parents],
      ]),
      danglingEdges,
      statuses,
      missingPriorities: plan.tasks.filter((task) => task.priority === undefined).length,
    },
  };
}

function toDraftTask(
  task: PlanTask,
  { defaults = {} }: Plan,
  gifts: PhaseGifts | undefined,
  locate: DraftTask['locate'],
): DraftTask {
  const timeoutMinutes = task.timeoutMinutes ?? defaults.timeoutMinutes ?? null;
  return {
    sourceId: task.id,
    title: task.title,
    description: task.description ?? null,
    priority: task.priority ?? gifts?.priority ?? defaults.priority ?? 'MEDIUM',
    dueAt: task.due === undefined ? (gifts?.dueAt ?? null) : parsePlanDue(task.due),
    tags: [...new Set([...(defaults.tags ?? []), ...(gifts?.tags ?? []), ...(task.tags ?? [])])],
    resources: [...new Set([...(defaults.resources ?? []), ...(task.resources ?? [])])],
    dependsOn: task.dependsOn ?? [],
    parentSourceId: task.parent ?? null,
    extraParentSourceIds: [],
    status: task.status ?? 'open',
    createdAt: null,
    updatedAt: null,
    metadata: task.metadata ?? {},
    acceptanceCriteria: task.acceptanceCriteria ?? [],
    estimateMinutes: task.estimateMinutes ?? null,
    maxAttempts: task.maxAttempts ?? defaults.maxAttempts ?? null,
    backoff: overlayBackoff(defaults.backoff, task.backoff),
    timeoutSeconds: timeoutMinutes === null ? null : Math.max(1, Math.round(timeoutMinutes * 60)),
    orchestrator: task.orchestrator ?? defaults.orchestrator ?? null,
    phase: task.phase ?? null,
    afterPhases: [],
    at: locate([]),
    locate,
  };
}
