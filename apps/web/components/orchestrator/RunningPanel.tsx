import { PageLink, taskHref } from '@/components/ui/PageLink';
import { Panel } from '@/components/ui/Panel';
import { ProgressBar } from '@/components/ui/ProgressBar';
import { TaskText } from '@/components/ui/TaskText';
import { Elapsed } from '@/components/ui/Time';
import { showControls } from '@/lib/showControls';
import type { OrchestratorDetailJson, TaskJson } from '@/lib/wire';

const SLOTS_RESERVED = 3;
const LINE_REM = 5;

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
      {/* As high as its slots, so that a task that begins or ends moves nothing below. */}
      <div
        style={{ minHeight: `${Math.min(SLOTS_RESERVED, orchestrator.maxConcurrentTasks) * LINE_REM}rem` }}
      >
        {running.length === 0 ? (
          <p className="px-4 py-6 text-center text-sm text-ink-soft">Idle: nothing is being worked on.</p>
        ) : (
          <ul className="max-h-[30rem] divide-y divide-line overflow-y-auto">
            {running.map((task) => (
              <li key={task.id} className="h-20 px-4 py-3" data-task={task.id}>
                <div className="flex items-baseline justify-between gap-4 text-sm">
                  <span className="min-w-0 truncate" title={showControls(task.title)}>
                    <PageLink href={taskHref(task.id)}>
                      <TaskText text={task.title} />
                    </PageLink>
                  </span>
                  <span className="tabular shrink-0 text-xs font-medium text-ink-soft">
                    {task.progress} %
                  </span>
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
      </div>
    </Panel>
  );
}
