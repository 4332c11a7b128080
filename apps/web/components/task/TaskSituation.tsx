import { CircleAlert, CircleCheck, CircleDashed, CircleX, Hourglass, Loader } from 'lucide-react';
import type { ReactNode } from 'react';
import { WhyNot } from '@/components/orchestrator/WhyNot';
import { ProgressBar } from '@/components/ui/ProgressBar';
import { TaskText } from '@/components/ui/TaskText';
import { Elapsed, RelativeTime } from '@/components/ui/Time';
import { plural } from '@/lib/formatNumber';
import { showControls } from '@/lib/showControls';
import type { OrchestratorDetailJson, TaskDetailJson } from '@/lib/wire';

const icon = 'mt-0.5 size-4 shrink-0';

/** Where the task stands, why, and what would move it on. */
export function TaskSituation({
  task,
  orchestrator,
}: {
  task: TaskDetailJson;
  orchestrator: OrchestratorDetailJson | null;
}) {
  const timeZone = orchestrator?.timeZone ?? 'UTC';
  const finished =
    task.finishedAt === null ? null : <RelativeTime at={task.finishedAt} timeZone={timeZone} />;

  switch (task.status) {
    case 'IN_PROGRESS':
    case 'MERGING': {
      const cancelling = task.attempts.some(
        (attempt) => attempt.status === 'RUNNING' && attempt.cancelRequestedAt !== null,
      );
      return (
        <Situation icon={<Loader aria-hidden className={`${icon} text-accent`} />}>
          <div className="flex items-baseline justify-between gap-4">
            <p className="font-medium">
              {cancelling
                ? 'Being cancelled'
                : task.status === 'MERGING'
                  ? 'Being merged'
                  : 'Being worked on'}
              {task.claimedAt === null ? null : (
                <span className="font-normal text-ink-faint">
                  {' '}
                  for <Elapsed since={task.claimedAt} timeZone={timeZone} />
                </span>
              )}
            </p>
            <p className="tabular font-medium" data-progress={task.progress}>
              {task.progress} %
            </p>
          </div>
          <div className="mt-2">
            <ProgressBar value={task.progress} label={showControls(task.title)} />
          </div>
          <p className="foreign mt-2 min-h-5 text-ink-soft">
            {task.progressMessage === null ? null : <TaskText text={task.progressMessage} />}
          </p>
        </Situation>
      );
    }
    case 'BLOCKED':
      return (
        <Situation icon={<CircleAlert aria-hidden className={`${icon} text-warn`} />}>
          <p className="font-medium">
            {task.waitsFor.length > 0
              ? `Waits for ${plural(task.waitsFor.length, 'task')} to be done`
              : 'Blocked, and waits for a person'}
          </p>
          {task.blockedReason === null ? null : (
            <p className="foreign mt-1 whitespace-pre-wrap text-ink-soft">
              <TaskText text={task.blockedReason} />
            </p>
          )}
          {task.blockedQuestion === null ? null : (
            <p className="foreign mt-2 whitespace-pre-wrap rounded-lg bg-warn-fill/12 px-3 py-2">
              <span className="block text-xs text-warn">It asks</span>
              <TaskText text={task.blockedQuestion} />
            </p>
          )}
          {task.blockReasons.includes('REPORTED') ? (
            <p className="mt-2 text-xs text-ink-faint">
              Lift it, with an answer if you have one:{' '}
              <code className="foreign font-mono">POST /api/v1/tasks/{task.id}/unblock</code>
            </p>
          ) : null}
        </Situation>
      );
    case 'TODO':
      return (
        <Situation icon={<Hourglass aria-hidden className={`${icon} text-ink-faint`} />}>
          <p className="font-medium">
            {orchestrator === null
              ? 'Belongs to nobody, and is never selected until it is assigned'
              : task.availableAt !== null
                ? 'Waits for its time'
                : 'Ready, in the queue'}
          </p>
          {task.availableAt === null ? null : (
            <p className="mt-1 text-ink-soft">
              {task.attemptCount > 0 ? 'Next try ' : 'Not handed out before '}
              <RelativeTime at={task.availableAt} timeZone={timeZone} />
            </p>
          )}
          {orchestrator === null ? null : (
            <WhyNot orchestratorId={orchestrator.id} taskId={task.id} question="Why is it not next?" />
          )}
        </Situation>
      );
    case 'DONE':
      return (
        <Situation icon={<CircleCheck aria-hidden className={`${icon} text-good`} />}>
          <p className="font-medium">Done {finished}</p>
        </Situation>
      );
    case 'FAILED':
      return (
        <Situation icon={<CircleX aria-hidden className={`${icon} text-bad`} />}>
          <p className="font-medium">
            Failed {finished} after {plural(task.attemptCount, 'attempt')}
          </p>
          {task.result?.error == null ? null : (
            <p className="foreign mt-1 line-clamp-6 whitespace-pre-wrap text-ink-soft">
              <TaskText text={task.result.error} />
            </p>
          )}
          <p className="mt-2 text-xs text-ink-faint">
            Give it another chance:{' '}
            <code className="foreign font-mono">POST /api/v1/tasks/{task.id}/retry</code>
          </p>
        </Situation>
      );
    case 'CANCELLED':
      return (
        <Situation icon={<CircleDashed aria-hidden className={`${icon} text-ink-faint`} />}>
          <p className="font-medium">Cancelled {finished}</p>
        </Situation>
      );
  }
}

function Situation({ icon: sign, children }: { icon: ReactNode; children: ReactNode }) {
  return (
    <section
      aria-label="Where it stands"
      className="flex gap-3 rounded-xl border border-line bg-surface p-4 text-sm shadow-[0_1px_2px_rgb(0_0_0/0.03)]"
    >
      {sign}
      <div className="min-w-0 grow">{children}</div>
    </section>
  );
}
