import { ConfirmButton } from '@/components/ui/ConfirmButton';
import { PageLink, runHref, taskHref } from '@/components/ui/PageLink';
import { StatusBadge } from '@/components/ui/StatusBadge';
import { TaskText } from '@/components/ui/TaskText';
import { RelativeTime } from '@/components/ui/Time';
import { plural } from '@/lib/formatNumber';
import { showControls } from '@/lib/showControls';
import type { DeadLetterJson } from '@/lib/wire';
import { AttemptHistory } from './AttemptHistory';

const SPENT: Record<NonNullable<DeadLetterJson['spent']>, string> = {
  attempts: 'All its attempts are spent',
  provider: 'The provider failed too often',
  infrastructure: 'The machine failed too often',
  lost: 'Its lease was lost too often',
};

/** One parked task: which budget is spent, why its last attempt failed, and its history where it is asked for. */
export function DeadLetterRow({
  letter: { task, spent, reason, agent, parkedAt },
  isChosen,
  onChoose,
  onRedrive,
}: {
  letter: DeadLetterJson;
  isChosen: boolean;
  onChoose(isChosen: boolean): void;
  onRedrive(reason: string, key: string): Promise<void>;
}) {
  const title = showControls(task.title);
  return (
    <article
      aria-label={title}
      className="rounded-xl border border-line bg-surface p-4 shadow-[0_1px_2px_rgb(0_0_0/0.03)] xl:px-5"
    >
      <div className="flex flex-wrap items-start gap-x-4 gap-y-3">
        <input
          type="checkbox"
          aria-label={`Select ${title}`}
          checked={isChosen}
          onChange={(event) => onChoose(event.target.checked)}
          className="mt-1 size-4 accent-current"
        />
        <div className="min-w-0 grow basis-64">
          <h2 className="foreign text-base font-semibold tracking-tight">
            <PageLink href={taskHref(task.id)}>
              <TaskText text={task.title} />
            </PageLink>
          </h2>
          <p className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-ink-faint">
            <StatusBadge label={spent === null ? 'Given up' : SPENT[spent]} tone="bad" />
            <span>
              parked <RelativeTime at={parkedAt} timeZone="UTC" />
            </span>
            <span>{plural(task.attemptCount, 'attempt')}</span>
            {agent === null ? null : (
              <span className="foreign">
                last by <TaskText text={agent} />
              </span>
            )}
            {task.runId === null ? null : (
              <PageLink href={runHref(task.runId)} className="text-accent underline-offset-2 hover:underline">
                its run
              </PageLink>
            )}
          </p>
          {reason === null ? null : (
            <p className="foreign mt-2 line-clamp-4 whitespace-pre-wrap text-sm text-ink-soft">
              <TaskText text={reason} />
            </p>
          )}
        </div>
        <ConfirmButton label="Redrive" name={title} title={`Redrive ${title}?`} act={onRedrive}>
          It gets another chance, with fresh budgets. If its run has failed, the run goes on by that.
        </ConfirmButton>
      </div>
      <AttemptHistory taskId={task.id} title={title} />
    </article>
  );
}
