'use client';

import { useRef, useState } from 'react';
import { StatusBadge } from '@/components/ui/StatusBadge';
import { TaskText } from '@/components/ui/TaskText';
import { RelativeTime } from '@/components/ui/Time';
import { ApiProblem, apiGet } from '@/lib/apiGet';
import { ATTEMPT_STATUS_LOOK } from '@/lib/statusLook';
import type { AttemptJson, TaskDetailJson } from '@/lib/wire';

/** Every attempt at a task with how it ended, read when it is opened. */
export function AttemptHistory({ taskId, title }: { taskId: string; title: string }) {
  const [attempts, setAttempts] = useState<readonly AttemptJson[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const isReading = useRef(false);
  const read = async () => {
    if (isReading.current) return;
    isReading.current = true;
    try {
      const task = await apiGet<TaskDetailJson>(`/tasks/${encodeURIComponent(taskId)}`);
      setAttempts([...task.attempts].sort((a, b) => b.number - a.number));
      setProblem(null);
    } catch (error) {
      setProblem(error instanceof ApiProblem ? error.message : 'The history could not be read.');
    } finally {
      isReading.current = false;
    }
  };
  return (
    <details
      className="mt-3 text-sm"
      onToggle={(event) => {
        if (event.currentTarget.open) void read();
      }}
    >
      <summary
        className="w-fit cursor-pointer rounded text-xs text-accent"
        aria-label={`History of ${title}`}
      >
        History
      </summary>
      {problem === null ? null : (
        <p role="alert" className="foreign mt-2 text-bad">
          {problem}
        </p>
      )}
      <ol className="mt-2 space-y-2">
        {(attempts ?? []).map((attempt) => (
          <li key={attempt.id} className="rounded-lg bg-inset px-3 py-2">
            <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-ink-faint">
              <span className="tabular">#{attempt.number}</span>
              <StatusBadge {...ATTEMPT_STATUS_LOOK[attempt.status]} />
              {attempt.failureClass === null ? null : <span>class {attempt.failureClass}</span>}
              {attempt.agent === null ? null : (
                <span className="foreign">
                  <TaskText text={attempt.agent} />
                </span>
              )}
              {attempt.endedAt === null ? null : <RelativeTime at={attempt.endedAt} timeZone="UTC" />}
            </p>
            {attempt.error === null ? null : (
              <p className="foreign mt-1 whitespace-pre-wrap text-ink-soft">
                <TaskText text={attempt.error} />
              </p>
            )}
          </li>
        ))}
      </ol>
    </details>
  );
}
