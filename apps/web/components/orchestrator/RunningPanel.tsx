import { EmptyState } from '@/components/ui/EmptyState';
import { PageLink, taskHref } from '@/components/ui/PageLink';
import { Panel } from '@/components/ui/Panel';
import { ProgressBar } from '@/components/ui/ProgressBar';
import { TaskText } from '@/components/ui/TaskText';
import { Elapsed } from '@/components/ui/Time';
import { showControls } from '@/lib/showControls';
import type { OrchestratorDetailJson, TaskJson } from '@/lib/wire';

/** What is being done now, and how far it is. */
export function RunningPanel({
  orchestrator,
  running,
}: {
  orchestrator: OrchestratorDetailJson;
  running: readonly TaskJson[];
}) {
  return (
    <Panel
      id="running"
      title="Running now"
      aside={`${running.length} of ${orchestrator.maxConcurrentTasks} slots`}
      flush
    >
      {running.length === 0 ? (
        <EmptyState title="Idle">Nothing is being worked on.</EmptyState>
      ) : (
        <ul className="divide-y divide-line">
          {running.map((task) => (
            <li key={task.id} className="px-4 py-3" data-task={task.id}>
              <div className="flex items-baseline justify-between gap-4 text-sm">
                <span className="min-w-0 truncate" title={showControls(task.title)}>
                  <PageLink href={taskHref(task.id)}>
                    <TaskText text={task.title} />
                  </PageLink>
                </span>
                <span className="tabular shrink-0 text-xs font-medium text-ink-soft">{task.progress} %</span>
              </div>
              <div className="mt-2">
                <ProgressBar value={task.progress} label={showControls(task.title)} />
              </div>
              <div className="mt-1.5 flex justify-between gap-4 text-xs text-ink-faint">
                <span className="min-w-0 truncate">
                  {task.progressMessage === null ? (
                    'No message yet'
                  ) : (
                    <TaskText text={task.progressMessage} />
                  )}
                </span>
                {task.claimedAt === null ? null : (
                  <Elapsed since={task.claimedAt} timeZone={orchestrator.timeZone} />
                )}
              </div>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
