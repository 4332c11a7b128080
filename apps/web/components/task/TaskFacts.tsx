'use client';

import type { ReactNode } from 'react';
import { useNow } from '@/components/live/Clock';
import { orchestratorHref, PageLink, runHref, taskHref } from '@/components/ui/PageLink';
import { Panel } from '@/components/ui/Panel';
import { TaskText } from '@/components/ui/TaskText';
import { RelativeTime } from '@/components/ui/Time';
import { deadlineOf } from '@/lib/deadline';
import { formatDuration } from '@/lib/formatTime';
import type { OrchestratorDetailJson, TaskDetailJson } from '@/lib/wire';

const FINAL = new Set(['DONE', 'FAILED', 'CANCELLED']);

export function TaskFacts({
  task,
  orchestrator,
}: {
  task: TaskDetailJson;
  orchestrator: OrchestratorDetailJson | null;
}) {
  const timeZone = orchestrator?.timeZone ?? 'UTC';
  const now = useNow(60);
  const overdue = !FINAL.has(task.status) && deadlineOf(task.dueAt, now, timeZone) === 'overdue';
  return (
    <Panel id="facts" title="Details">
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-2 text-sm">
        <Fact label="Orchestrator">
          {orchestrator === null ? (
            <span className="text-warn">Unassigned</span>
          ) : (
            <PageLink href={orchestratorHref(orchestrator.id)}>
              <TaskText text={orchestrator.name} />
            </PageLink>
          )}
        </Fact>
        <Fact label="Due">
          {task.dueAt === null ? (
            <span className="text-ink-faint">No due date</span>
          ) : (
            <span className={overdue ? 'font-medium text-bad' : ''}>
              {overdue ? 'overdue, ' : ''}
              <RelativeTime at={task.dueAt} timeZone={timeZone} />
            </span>
          )}
        </Fact>
        <Fact label="Created">
          <RelativeTime at={task.createdAt} timeZone={timeZone} />
        </Fact>
        <Fact label="Attempts">
          <span className="tabular">
            {task.attemptCount} of {task.maxAttempts}
            {task.lostCount > 0 ? ` · ${task.lostCount} lost` : ''}
          </span>
        </Fact>
        {task.estimateMinutes === null ? null : (
          <Fact label="Estimate">
            <span className="tabular">{formatDuration(task.estimateMinutes * 60_000)}</span>
          </Fact>
        )}
        {task.timeoutSeconds === null ? null : (
          <Fact label="Time-out">
            <span className="tabular">{formatDuration(task.timeoutSeconds * 1_000)}</span>
          </Fact>
        )}
        {task.runId === null ? null : (
          <Fact label="Run">
            <PageLink href={runHref(task.runId)} className="underline underline-offset-2">
              Open
            </PageLink>
            {task.wave === null ? null : <span className="tabular text-ink-faint"> · wave {task.wave}</span>}
          </Fact>
        )}
        {task.parentId === null ? null : (
          <Fact label="Parent">
            <PageLink href={taskHref(task.parentId)} className="underline underline-offset-2">
              Open
            </PageLink>
          </Fact>
        )}
        {task.source === null ? null : (
          <Fact label="Source">
            <span className="foreign">
              <TaskText text={`${task.source} ${task.sourceId ?? ''}`} />
            </span>
          </Fact>
        )}
        {task.tags.length === 0 ? null : (
          <Fact label="Tags">
            <ul className="flex flex-wrap gap-1">
              {task.tags.map((tag) => (
                <li key={tag} className="foreign rounded bg-inset px-1.5 py-0.5 text-xs text-ink-soft">
                  <TaskText text={tag} />
                </li>
              ))}
            </ul>
          </Fact>
        )}
        <Fact label="Id">
          <code className="foreign font-mono text-xs text-ink-soft">{task.id}</code>
        </Fact>
      </dl>
    </Panel>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-ink-faint">{label}</dt>
      <dd className="min-w-0">{children}</dd>
    </>
  );
}
