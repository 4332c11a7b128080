import { AttemptLength } from '@/components/ui/AttemptLength';
import { Panel } from '@/components/ui/Panel';
import { StatusBadge } from '@/components/ui/StatusBadge';
import { TaskText } from '@/components/ui/TaskText';
import { RelativeTime } from '@/components/ui/Time';
import { failureOf } from '@/lib/failureOf';
import { tellTokens, tellUsage } from '@/lib/formatUsage';
import { ATTEMPT_STATUS_LOOK } from '@/lib/statusLook';
import type { AttemptJson } from '@/lib/wire';
import { AttemptOrigin } from './AttemptOrigin';
import { AttemptRoute } from './AttemptRoute';

/** Every try at the task, the latest first; the log of one of them is shown. */
export function AttemptList({
  attempts,
  shown,
  onShow,
  timeZone,
}: {
  attempts: readonly AttemptJson[];
  /** Whose log is shown. */
  shown: AttemptJson | null;
  onShow(attempt: AttemptJson): void;
  timeZone: string;
}) {
  const ordered = [...attempts].sort((a, b) => b.number - a.number);
  return (
    <Panel
      id="attempts"
      title="Attempts"
      aside={attempts.length === 0 ? undefined : `${attempts.length}`}
      flush
    >
      {ordered.length === 0 ? (
        <p className="px-4 py-3 text-sm text-ink-faint">Not tried yet.</p>
      ) : (
        <ol className="divide-y divide-line">
          {ordered.map((attempt) => {
            const look = ATTEMPT_STATUS_LOOK[attempt.status];
            return (
              <li key={attempt.id} className="px-4 py-2.5 text-sm">
                <div className="flex items-center justify-between gap-3">
                  <span className="tabular text-xs text-ink-faint">#{attempt.number}</span>
                  <span className="mr-auto">
                    <StatusBadge label={look.label} tone={look.tone} />
                  </span>
                  <span className="text-xs text-ink-soft">
                    <AttemptLength attempt={attempt} timeZone={timeZone} />
                  </span>
                </div>
                <div className="mt-1 flex items-baseline justify-between gap-3 text-xs">
                  <p className="min-w-0 text-ink-faint">
                    {attempt.agent === null ? null : (
                      <>
                        <TaskText text={attempt.agent} /> ·{' '}
                      </>
                    )}
                    started <RelativeTime at={attempt.claimedAt} timeZone={timeZone} />
                  </p>
                  <button
                    type="button"
                    aria-label={`Log of attempt ${attempt.number}`}
                    aria-pressed={attempt.id === shown?.id}
                    onClick={() => onShow(attempt)}
                    className={
                      attempt.id === shown?.id
                        ? 'rounded bg-inset px-2 py-0.5 font-medium text-ink ring-1 ring-line ring-inset'
                        : 'rounded px-2 py-0.5 text-accent underline-offset-2 hover:underline'
                    }
                  >
                    Log
                  </button>
                </div>
                <Usage usage={attempt.usage} />
                <AttemptOrigin attempt={attempt} attempts={attempts} />
                <AttemptRoute route={attempt.route} />
                {attempt.error === null ? null : (
                  <p className="foreign mt-1 line-clamp-4 text-xs text-bad">
                    {failureOf(attempt)}
                    <TaskText text={attempt.error} />
                  </p>
                )}
              </li>
            );
          })}
        </ol>
      )}
    </Panel>
  );
}

function Usage({ usage }: { usage: AttemptJson['usage'] }) {
  const told = usage === null ? null : tellUsage(usage);
  if (usage === null || told === null) return null;
  return (
    <p className="foreign tabular mt-1 text-xs text-ink-soft" title={tellTokens(usage)} data-usage>
      <TaskText text={told} />
    </p>
  );
}
