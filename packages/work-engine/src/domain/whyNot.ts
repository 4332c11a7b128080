import type { RunStatus, TaskStatus, WhyNot } from '@neolith/contracts';

export interface WhyNotFacts {
  task: {
    status: TaskStatus;
    orchestrator_id: string | null;
    available_at: Date | null;
    blocked_reason: string | null;
    attempt_count: number;
    failure_count: number;
    max_attempts: number;
  };
  /** Bare UUID, as in the task. */
  orchestratorId: string;
  waitsFor: readonly { id: string; title: string; status: TaskStatus }[];
  now: Date;
  /** It is TODO and assigned here, yet the criteria (or its time) leave it out. */
  excluded: boolean;
  obstacle: WhyNot['code'] | null;
  /** Of a TODO task that waits for resources: what stands in its way, in words. */
  resources: string | null;
  /** Of a task in a run: how the run stands; null for one in none. */
  run: { name: string; status: RunStatus; room: number; waveIsOpen: boolean; wave: number } | null;
  /** How many claimable tasks come before it; null where it is not claimable. */
  ahead: number | null;
}

/** Of a task that was tried before its next try, of another its time. */
function describeLater({
  available_at,
  attempt_count,
  failure_count,
  max_attempts,
}: WhyNotFacts['task']): string {
  const at = available_at?.toISOString();
  if (attempt_count === 0) return `Not before ${at}`;
  const failed = failure_count === 0 ? '' : `, after ${failure_count} of ${max_attempts} failures`;
  return `Next try at ${at}${failed}`;
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
  if (later) add('NOT_YET_AVAILABLE', describeLater(task));
  const gate = task.status === 'TODO' || task.status === 'BLOCKED' ? facts.run : null;
  if (gate !== null && gate.status !== 'RUNNING')
    add('RUN_NOT_RUNNING', `Its run "${gate.name}" is ${gate.status} and hands out no work`);
  if (gate !== null && gate.status === 'RUNNING' && gate.room <= 0)
    add('RUN_AT_CAPACITY', `Its run "${gate.name}" has all its task slots taken`);
  if (gate !== null && !gate.waveIsOpen)
    add('WAVE_NOT_OPEN', `It is in wave ${gate.wave} of its run "${gate.name}", which has not opened yet`);
  const heldByRun = gate !== null && (gate.status !== 'RUNNING' || gate.room <= 0 || !gate.waveIsOpen);
  if (facts.resources !== null) add('WAITS_FOR_RESOURCES', facts.resources);
  if (facts.excluded && !later && !heldByRun && facts.resources === null)
    add('EXCLUDED_BY_CRITERIA', 'The criteria leave it out');
  if (facts.obstacle === 'ORCHESTRATOR_NOT_AVAILABLE')
    add('ORCHESTRATOR_NOT_AVAILABLE', 'Its orchestrator is neither ONLINE nor BUSY');
  if (facts.obstacle === 'AT_CAPACITY') add('AT_CAPACITY', 'Its orchestrator is at its limit');
  if (facts.ahead !== null && facts.ahead > 0)
    add('OTHERS_SCORE_HIGHER', `${facts.ahead} claimable task(s) come before it`);
  return reasons;
}
