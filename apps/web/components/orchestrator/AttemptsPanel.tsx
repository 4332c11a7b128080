'use client';

import { AttemptLength } from '@/components/ui/AttemptLength';
import { EmptyState } from '@/components/ui/EmptyState';
import { PageLink, taskHref } from '@/components/ui/PageLink';
import { Panel } from '@/components/ui/Panel';
import { StatusBadge } from '@/components/ui/StatusBadge';
import { TaskText } from '@/components/ui/TaskText';
import { RelativeTime } from '@/components/ui/Time';
import { failureOf } from '@/lib/failureOf';
import { ATTEMPT_STATUS_LOOK } from '@/lib/statusLook';
import type { AttemptPageJson, OrchestratorDetailJson } from '@/lib/wire';

/** The latest attempts of an orchestrator: those running first, then the ended, newest first. */
export function AttemptsPanel({
  attempts,
  orchestrator: { id: orchestratorId, timeZone },
}: {
  attempts: AttemptPageJson;
  orchestrator: Pick<OrchestratorDetailJson, 'id' | 'timeZone'>;
}) {
  const rows = attempts.attempts;
  return (
    <div className="mt-10">
      <Panel
        id="attempts"
        title="Attempts"
        aside={
          rows.length === 0
            ? undefined
            : attempts.nextCursor === null
              ? `${rows.length}`
              : `the latest ${rows.length}`
        }
        flush
      >
        {rows.length === 0 ? (
          <EmptyState title="No attempts yet" command={`npx neolith daemon --orchestrator ${orchestratorId}`}>
            A daemon makes them: it claims tasks and runs an agent on each.
          </EmptyState>
        ) : (
          <table className="block w-full text-sm md:table">
            <thead className="sr-only text-left text-xs text-ink-faint md:not-sr-only md:table-header-group">
              <tr className="border-b border-line">
                <th scope="col" className="px-4 py-2 font-normal">
                  Task
                </th>
                <th scope="col" className="px-2 py-2 font-normal">
                  Status
                </th>
                <th scope="col" className="px-2 py-2 font-normal">
                  Agent
                </th>
                <th scope="col" className="px-2 py-2 text-right font-normal">
                  Duration
                </th>
                <th scope="col" className="px-4 py-2 text-right font-normal">
                  Started
                </th>
              </tr>
            </thead>
            <tbody className="block divide-y divide-line md:table-row-group">
              {rows.map((attempt) => {
                const look = ATTEMPT_STATUS_LOOK[attempt.status];
                return (
                  <tr
                    key={attempt.id}
                    className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2.5 align-top md:table-row md:p-0"
                  >
                    <td className="block w-full min-w-0 md:table-cell md:w-1/2 md:px-4 md:py-2.5">
                      <span className="foreign line-clamp-2 leading-5">
                        <PageLink href={taskHref(attempt.taskId)}>
                          <TaskText text={attempt.taskTitle} />
                        </PageLink>
                        {attempt.number > 1 ? (
                          <span className="tabular text-xs text-ink-faint"> · attempt {attempt.number}</span>
                        ) : null}
                      </span>
                      {attempt.error === null ? null : (
                        <span
                          className={`foreign mt-0.5 line-clamp-2 text-xs ${look.tone === 'bad' ? 'text-bad' : 'text-warn'}`}
                        >
                          {failureOf(attempt)}
                          <TaskText text={attempt.error} />
                        </span>
                      )}
                    </td>
                    <td className="md:px-2 md:py-2.5">
                      <StatusBadge label={look.label} tone={look.tone} />
                    </td>
                    <td className="text-xs leading-5 text-ink-soft md:px-2 md:py-2.5">
                      {attempt.agent === null ? '–' : <TaskText text={attempt.agent} />}
                    </td>
                    <td className="tabular text-xs leading-5 text-ink-soft md:px-2 md:py-2.5 md:text-right">
                      <AttemptLength attempt={attempt} timeZone={timeZone} />
                    </td>
                    <td className="ml-auto text-xs leading-5 text-ink-faint md:px-4 md:py-2.5 md:text-right">
                      <RelativeTime at={attempt.claimedAt} timeZone={timeZone} />
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        )}
      </Panel>
    </div>
  );
}
