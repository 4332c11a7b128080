import { compareRank, type EngineEvent, scoreTask, type Task } from '@neolith/work-engine';

/** What the history is checked against: facts that don't change while the job runs. */
export interface HistoryFacts {
  /** Every task of the backlog as it was made. */
  tasks: readonly Pick<Task, 'id' | 'priority' | 'dueAt' | 'createdAt' | 'orchestratorId'>[];
  /** Task → the tasks that it depends on. */
  prerequisitesOf: ReadonlyMap<string, readonly string[]>;
  orchestrators: readonly { id: string; maxConcurrentTasks: number; timeZone: string }[];
  /** Daemon → how many tasks it may hold at once. */
  slotsOf: ReadonlyMap<string, number>;
}

export interface HistoryReport {
  violations: string[];
  claims: number;
  done: number;
  lost: number;
  /** How many times a claim was compared with a task that was claimable too. */
  comparisons: number;
  mostAtOnce: number;
}

/**
 * A task that became claimable this shortly before a claim may have been committed after the claim chose: history
 * has no commit times. Such pairs are not compared.
 */
const COMMIT_LAG_MS = 250;

interface Standing {
  status: string;
  claimableSince: number;
  availableAt: number;
  doneTimes: number;
}

/**
 * Replays the events, in the order in which they were written, and says where they break the rules: a task done other
 * than once, started before its prerequisites were done, claimed while a better one could be had, or a limit exceeded.
 */
export function checkHistory(events: readonly EngineEvent[], facts: HistoryFacts): HistoryReport {
  const report: HistoryReport = {
    violations: [],
    claims: 0,
    done: 0,
    lost: 0,
    comparisons: 0,
    mostAtOnce: 0,
  };
  const taskOf = new Map(facts.tasks.map((task) => [task.id, task]));
  const standing = new Map<string, Standing>();
  const running = new Map<string, Set<string>>();
  const held = new Map<string, Set<string>>();
  const holder = new Map<string, string>();
  const of = (map: Map<string, Set<string>>, key: string) => {
    const known = map.get(key) ?? new Set<string>();
    map.set(key, known);
    return known;
  };

  for (const event of [...events].sort(bySequence)) {
    if (event.taskId === null || event.to === null) continue;
    const task = taskOf.get(event.taskId);
    if (task === undefined) continue;
    const at = event.at.getTime();
    const before = standing.get(task.id);
    if (event.from !== null && before !== undefined && before.status !== event.from) {
      report.violations.push(
        `${task.id}: ${event.type} goes from ${event.from}, but it was ${before.status}`,
      );
    }
    if (event.type === 'task.claimed') {
      report.claims += 1;
      checkStart(task.id);
      checkOrder(event, task.id, at);
    }
    const availableAt = typeof event.data?.availableAt === 'string' ? Date.parse(event.data.availableAt) : 0;
    standing.set(task.id, {
      status: event.to,
      claimableSince: event.to === 'TODO' ? at : 0,
      availableAt,
      doneTimes: (before?.doneTimes ?? 0) + (event.to === 'DONE' ? 1 : 0),
    });
    count(event, task.id);
    if (event.type === 'task.lease_lost') report.lost += 1;
  }
  for (const task of facts.tasks) {
    const times = standing.get(task.id)?.doneTimes ?? 0;
    report.done += times;
    if (times !== 1) report.violations.push(`${task.id} was done ${times} times`);
  }
  return report;

  function checkStart(id: string): void {
    for (const prerequisite of facts.prerequisitesOf.get(id) ?? []) {
      const status = standing.get(prerequisite)?.status;
      if (status !== 'DONE') report.violations.push(`${id} started while ${prerequisite} was ${status}`);
    }
  }

  function checkOrder(event: EngineEvent, id: string, at: number): void {
    const orchestrator = facts.orchestrators.find((candidate) => candidate.id === event.orchestratorId);
    if (orchestrator === undefined) return;
    const rankOf = (candidate: HistoryFacts['tasks'][number]) => ({
      ...candidate,
      score: scoreTask(candidate, event.at, orchestrator.timeZone).score,
    });
    const chosen = rankOf(taskOf.get(id) as HistoryFacts['tasks'][number]);
    for (const other of facts.tasks) {
      const place = standing.get(other.id);
      if (other.id === id || other.orchestratorId !== orchestrator.id || place?.status !== 'TODO') continue;
      if (place.claimableSince > at - COMMIT_LAG_MS || place.availableAt > at - COMMIT_LAG_MS) continue;
      report.comparisons += 1;
      if (compareRank(rankOf(other), chosen) < 0) {
        report.violations.push(
          `${id} was claimed at ${event.at.toISOString()} while ${other.id} was before it`,
        );
      }
    }
  }

  function count(event: EngineEvent, id: string): void {
    const orchestrator = facts.orchestrators.find((candidate) => candidate.id === event.orchestratorId);
    if (orchestrator === undefined) return;
    const now = of(running, orchestrator.id);
    if (event.to === 'IN_PROGRESS') {
      now.add(id);
      if (event.daemonId !== null) {
        holder.set(id, event.daemonId);
        of(held, event.daemonId).add(id);
        const slots = facts.slotsOf.get(event.daemonId);
        const amount = of(held, event.daemonId).size;
        if (slots !== undefined && amount > slots)
          report.violations.push(`${event.daemonId} held ${amount} tasks of ${slots}`);
      }
    } else if (event.from === 'IN_PROGRESS') {
      now.delete(id);
      of(held, holder.get(id) ?? '').delete(id);
    }
    report.mostAtOnce = Math.max(report.mostAtOnce, now.size);
    if (now.size > orchestrator.maxConcurrentTasks) {
      report.violations.push(
        `${orchestrator.id} had ${now.size} tasks of ${orchestrator.maxConcurrentTasks} running`,
      );
    }
  }
}

/** By the number that each event was given when it was written; the stream's own order is that of transactions. */
function bySequence(a: EngineEvent, b: EngineEvent): number {
  return Number(a.cursor.split('.')[2]) - Number(b.cursor.split('.')[2]);
}
