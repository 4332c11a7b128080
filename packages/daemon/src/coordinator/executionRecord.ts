import type { AgentUsage } from '../agents/agentAdapter.js';
import type { AttemptEvent } from '../worker/attemptEvents.js';
import type { AttemptResult } from '../worker/settleAttempt.js';

/** What is known of one task's last attempt in this process. */
export interface TaskRecord {
  readonly taskId: string;
  readonly attemptId: string;
  readonly title: string;
  /** Which try it is, from 1. */
  readonly number: number;
  readonly startedAt: Date;
  /** The part of the plan that it belongs to; null: of none. */
  readonly planPhase: string | null;
  /** When its agent will be ended, once that is near; null before. */
  readonly endsAt: Date | null;
  readonly phase: 'starting' | 'working' | 'merging' | 'ended';
  readonly agent: string | null;
  readonly pid: number | null;
  readonly branch: string | null;
  readonly directory: string | null;
  readonly commit: string | null;
  readonly files: number;
  readonly progress: number;
  readonly message: string | null;
  readonly usage: AgentUsage | null;
  /** What earlier attempts at the task in this process used up. */
  readonly usedBefore: AgentUsage | null;
  /** Null while it goes on. */
  readonly result: AttemptResult | null;
  readonly durationMs: number | null;
  readonly error: string | null;
  readonly kept: string | null;
  /** Branches of earlier attempts at the task that were kept; they go when another one is merged. */
  readonly keptBefore: readonly string[];
  /** The attempt whose result was taken over in place of running an agent. */
  readonly reusedFrom: string | null;
}

/** A record after one more event; null stays null until the attempt has started. Pure. */
export function recordEvent(record: TaskRecord | null, event: AttemptEvent): TaskRecord | null {
  if (event.kind === 'started') return { ...beginRecord(event), ...carryOver(record) };
  // Of an attempt before the present one.
  if (record === null || record.attemptId !== event.attemptId) return record;
  switch (event.kind) {
    case 'agent':
      return { ...record, phase: 'working', agent: event.agent, pid: event.pid };
    case 'worktree':
      return { ...record, branch: event.branch, directory: event.directory };
    case 'signal':
      return recordSignal(record, event.signal);
    case 'output':
      return record;
    case 'slow':
      return { ...record, endsAt: event.endsAt };
    case 'committed':
      return { ...record, commit: event.work.commit, files: event.work.files };
    case 'reused':
      return { ...record, reusedFrom: event.from.attemptId };
    case 'merging':
      return { ...record, phase: 'merging', endsAt: null };
    case 'merge_refused':
      return { ...record, message: event.reason };
    case 'ended':
      return {
        ...record,
        phase: 'ended',
        result: event.result,
        durationMs: event.durationMs,
        error: event.error,
        usage: event.usage ?? record.usage,
        kept: event.kept,
      };
  }
}

function beginRecord(event: Extract<AttemptEvent, { kind: 'started' }>): TaskRecord {
  const { taskId, attemptId, title, number, at, planPhase } = event;
  return {
    ...{ taskId, attemptId, title, number, startedAt: at, phase: 'starting', planPhase, endsAt: null },
    ...{ agent: null, pid: null, branch: null, directory: null, commit: null, files: 0 },
    ...{ progress: 0, message: null, usage: null, usedBefore: null, keptBefore: [] },
    ...{ result: null, durationMs: null, error: null, kept: null, reusedFrom: null },
  };
}

function carryOver(earlier: TaskRecord | null): Pick<TaskRecord, 'usedBefore' | 'keptBefore'> {
  if (earlier === null) return { usedBefore: null, keptBefore: [] };
  const { usedBefore, usage, keptBefore, kept, branch } = earlier;
  return {
    usedBefore: usedBefore === null && usage === null ? null : sumUsage([usedBefore, usage]),
    keptBefore: kept === null || branch === null ? keptBefore : [...keptBefore, branch],
  };
}

function recordSignal(
  record: TaskRecord,
  signal: Extract<AttemptEvent, { kind: 'signal' }>['signal'],
): TaskRecord {
  if (signal.kind === 'progress')
    return { ...record, progress: signal.percent, message: signal.message ?? record.message };
  if (signal.kind === 'message') return { ...record, message: signal.message };
  if (signal.kind === 'usage') return { ...record, usage: { ...record.usage, ...signal.usage } };
  return record;
}

/** The sum of what several used up; a field that none of them tells is left out. Pure. */
export function sumUsage(usages: readonly (AgentUsage | null)[]): AgentUsage {
  const told = usages.filter((usage) => usage !== null);
  const sum = (field: Exclude<keyof AgentUsage, 'model'>): object => {
    const values = told.map((usage) => usage[field]).filter((value) => value !== undefined);
    return values.length === 0 ? {} : { [field]: values.reduce((a, b) => a + b, 0) };
  };
  return {
    ...sum('inputTokens'),
    ...sum('outputTokens'),
    ...sum('cacheReadTokens'),
    ...sum('cacheWriteTokens'),
    ...sum('costUsd'),
    ...sum('turns'),
  };
}
