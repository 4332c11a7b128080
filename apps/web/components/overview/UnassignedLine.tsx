'use client';

import { ChevronRight, UserX } from 'lucide-react';
import { useState } from 'react';
import { PageLink, taskHref } from '@/components/ui/PageLink';
import { PriorityTag } from '@/components/ui/PriorityTag';
import { TaskText } from '@/components/ui/TaskText';
import { ApiProblem, apiGet } from '@/lib/apiGet';
import { plural } from '@/lib/formatNumber';
import type { TaskPageJson } from '@/lib/wire';

const SHOWN = 20;

/** Open tasks that belong to nobody, and so are never selected; which ones, when asked. */
export function UnassignedLine({ count }: { count: number }) {
  const [page, setPage] = useState<TaskPageJson | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  if (count === 0) return null;

  const load = async () => {
    try {
      setPage(await apiGet<TaskPageJson>(`/tasks?unassigned=true&limit=${SHOWN}`));
      setProblem(null);
    } catch (error) {
      setProblem(error instanceof ApiProblem ? error.message : 'The list could not be read.');
    }
  };

  return (
    <details
      className="group mt-4 rounded-xl border border-line bg-surface text-sm"
      onToggle={(event) => {
        if (event.currentTarget.open) void load();
      }}
    >
      <summary className="flex items-center gap-3 rounded-xl px-4 py-3 xl:px-5">
        <UserX aria-hidden className="size-4 shrink-0 text-warn" />
        <span>
          <span className="font-medium">{plural(count, 'unassigned task')}</span>
          <span className="text-ink-soft"> · never selected until assigned to an orchestrator</span>
        </span>
        <ChevronRight
          aria-hidden
          className="ml-auto size-4 shrink-0 text-ink-faint transition-transform group-open:rotate-90"
        />
      </summary>
      <div className="border-t border-line px-4 py-2 xl:px-5">
        {problem === null ? null : <p className="py-1 text-bad">{problem}</p>}
        {page === null && problem === null ? <p className="py-1 text-ink-faint">Reading…</p> : null}
        <ul>
          {page?.tasks.map((task) => (
            <li key={task.id} className="flex items-center justify-between gap-4 py-1">
              <PageLink
                href={taskHref(task.id)}
                className="min-w-0 truncate hover:underline underline-offset-2"
              >
                <TaskText text={task.title} />
              </PageLink>
              <PriorityTag priority={task.priority} />
            </li>
          ))}
        </ul>
        {count > SHOWN && page !== null ? (
          <p className="py-1 text-xs text-ink-faint">
            The newest {SHOWN} of {count}.
          </p>
        ) : null}
      </div>
    </details>
  );
}
