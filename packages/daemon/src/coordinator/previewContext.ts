import { type TaskExecutionContext, toResourceUse } from '@neolith/contracts';
import type { NormalisedTask } from '../plans/normalisedPlan.js';

/**
 * What an agent would be given for a task of a plan that is stored nowhere yet: its ids stand for what the server will
 * make, and nobody has done anything. Pure.
 * @param now of the preview
 */
export function previewContext(task: NormalisedTask, wave: number, now: Date): TaskExecutionContext {
  return {
    task: {
      ...{ id: `task_${task.sourceId}`, workspaceId: 'ws_preview', orchestratorId: null, channelId: null },
      ...{ parentId: null, runId: 'run_preview', wave, source: null, sourceId: task.sourceId },
      title: task.title,
      description: task.description ?? '',
      acceptanceCriteria: [...task.acceptanceCriteria],
      priority: task.priority,
      status: 'IN_PROGRESS',
      tags: [...task.tags],
      resources: task.resources.map(toResourceUse),
      ...{ dueAt: task.dueAt, createdAt: task.createdAt ?? now, updatedAt: now },
      ...{ availableAt: null, claimedAt: now, finishedAt: null, progress: 0, progressMessage: null },
      ...{ blockedReason: null, blockedQuestion: null, answer: null },
      ...{ maxAttempts: task.maxAttempts ?? 3, attemptCount: 1, failureCount: 0, lostCount: 0 },
      ...{ mergeFailureCount: 0, timeoutSeconds: task.timeoutSeconds },
      estimateMinutes: task.estimateMinutes,
      metadata: task.metadata as TaskExecutionContext['task']['metadata'],
    },
    orchestrator: {
      id: 'orch_preview',
      name: task.orchestrator ?? 'Local',
      role: 'Engineer',
      discipline: 'Engineering',
      capabilities: [],
      daemonEndpoint: null,
    },
    charter: { mission: null, vision: null, values: [], expertise: [] },
    dependencies: task.dependsOn.map((id) => ({
      taskId: `task_${id}`,
      title: id,
      status: 'DONE' as const,
      finishedAt: null,
      result: null,
    })),
    relatedTasks: [],
    previousAttempts: [],
    workspace: { id: 'ws_preview', slug: 'preview', name: 'Preview' },
    channel: null,
  };
}
