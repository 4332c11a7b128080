import { PageLink, taskHref } from '@/components/ui/PageLink';
import { Panel } from '@/components/ui/Panel';
import { ProgressBar } from '@/components/ui/ProgressBar';
import { StatusBadge } from '@/components/ui/StatusBadge';
import { TaskText } from '@/components/ui/TaskText';
import { Elapsed } from '@/components/ui/Time';
import { showControls } from '@/lib/showControls';
import { TASK_STATUS_LOOK } from '@/lib/statusLook';
import type { RunJson, RunProgressJson } from '@/lib/wire';

const SLOTS_RESERVED = 3;
const LINE_REM = 4;

/** The attempts that are live, and how far each is. */
export function RunningAttemptsPanel({
  running,
  run,
  timeZone,
}: {
  running: RunProgressJson['running'];
  run: RunJson;
  timeZone: string;
}) {
  const slots = run.config.maxConcurrentTasks;
  const inProgress = running.filter(({ status }) => status === 'IN_PROGRESS').length;
  return (
    <Panel id="running" title="Running now" aside={`${inProgress} of ${slots} slots`} flush>
      {/* As high as its slots, so that a task that begins or ends moves nothing below. */}
      <div style={{ minHeight: `${Math.min(SLOTS_RESERVED, slots) * LINE_REM}rem` }}>
        {running.length === 0 ? (
          <p className="px-4 py-6 text-center text-sm text-ink-soft">Nothing of it is being worked on.</p>
        ) : (
          <ul className="max-h-96 divide-y divide-line overflow-y-auto">
            {running.map((work) => (
              <li key={work.attemptId} className="h-16 px-4 py-2.5" data-attempt={work.attemptId}>
                <div className="flex items-center justify-between gap-4 text-sm">
                  <span className="min-w-0 truncate" title={showControls(work.title)}>
                    <PageLink href={taskHref(work.taskId)}>
                      <TaskText text={work.title} />
                    </PageLink>
                  </span>
                  <span className="flex shrink-0 items-center gap-3 text-xs text-ink-faint">
                    {work.status === 'IN_PROGRESS' ? (
                      <span className="tabular font-medium text-ink-soft">{work.progress} %</span>
                    ) : (
                      <StatusBadge {...TASK_STATUS_LOOK[work.status]} />
                    )}
                    <Elapsed since={work.since} timeZone={timeZone} />
                  </span>
                </div>
                <div className="mt-2">
                  <ProgressBar value={work.progress} label={showControls(work.title)} />
                </div>
              </li>
            ))}
          </ul>
        )}
      </div>
    </Panel>
  );
}
