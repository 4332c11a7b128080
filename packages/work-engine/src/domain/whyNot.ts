import type { TaskStatus, WhyNot } from '@neolith/contracts';

export interface WhyNotFacts {
  task: {
    status: TaskStatus;
    orchestrator_id: string | null;
    available_at: Date | null;
    blocked_reason: string | null;
  };
  /** Bare UUID, as in the task. */
  orchestratorId: string;
  waitsFor: readonly { id: string; title: string; status: TaskStatus }[];
  now: Date;
  /** It is TODO and assigned here, yet the criteria (or its time) leave it out. */
  excluded: boolean;
  obstacle: WhyNot['code'] | null;
  /** How many claimable tasks come before it; null where it is not claimable. */
  ahead: number | null;
}

/** Every reason that keeps a task from being the next one; none: it is the next one. Pure. */
export function explainTask(facts: WhyNotFacts): WhyNot[] {
  const { task } = facts;
  const reasons: WhyNot[] = [];
  const add = (code: WhyNot['code'], message: string) => reasons.push({ code, message });
  if (task.orchestrator_id === null) add('UNASSIGNED', 'It belongs to no orchestrator; assign it');
  else if (task.orchestrator_id !== facts.orchestratorId)
    add('OTHER_ORCHESTRATOR', 'It belongs to another orchestrator');
  if (task.status === 'IN_PROGRESS' || task.status === 'MERGING') add('RUNNING', 'It is being done already');
  if (task.status === 'DONE' || task.status === 'FAILED' || task.status === 'CANCELLED')
    add('FINISHED', `It is ${task.status}`);
  if (facts.waitsFor.length > 0) {
    const names = facts.waitsFor.slice(0, 3).map((other) => `"${other.title}" (${other.status})`);
    const rest = facts.waitsFor.length > 3 ? ` and ${facts.waitsFor.length - 3} more` : '';
    add('BLOCKED_BY_DEPENDENCIES', `It waits for ${names.join(', ')}${rest}`);
  }
  if (task.status === 'BLOCKED' && task.blocked_reason !== null)
    add('BLOCKED_BY_REPORT', `Reported blocked: ${task.blocked_reason}`);
  const later = task.status === 'TODO' && task.available_at !== null && task.available_at > facts.now;
  if (later) add('NOT_YET_AVAILABLE', `Not before ${task.available_at?.toISOString()}`);
  if (facts.excluded && !later) add('EXCLUDED_BY_CRITERIA', 'The criteria leave it out');
  if (facts.obstacle === 'ORCHESTRATOR_NOT_AVAILABLE')
    add('ORCHESTRATOR_NOT_AVAILABLE', 'Its orchestrator is neither ONLINE nor BUSY');
  if (facts.obstacle === 'AT_CAPACITY') add('AT_CAPACITY', 'Its orchestrator is at its limit');
  if (facts.ahead !== null && facts.ahead > 0)
    add('OTHERS_SCORE_HIGHER', `${facts.ahead} claimable task(s) come before it`);
  return reasons;
}
