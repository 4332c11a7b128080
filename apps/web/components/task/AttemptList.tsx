import { AttemptLength } from '@/components/ui/AttemptLength';
import { Panel } from '@/components/ui/Panel';
import { StatusBadge } from '@/components/ui/StatusBadge';
import { TaskText } from '@/components/ui/TaskText';
import { RelativeTime } from '@/components/ui/Time';
import { failureOf } from '@/lib/failureOf';
import { ATTEMPT_STATUS_LOOK } from '@/lib/statusLook';
import type { AttemptJson } from '@/lib/wire';

/** Every try at the task, the latest first. */
export function AttemptList({ attempts, timeZone }: { attempts: readonly AttemptJson[]; timeZone: string }) {
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
                <p className="mt-1 text-xs text-ink-faint">
                  {attempt.agent === null ? null : (
                    <>
                      <TaskText text={attempt.agent} /> ·{' '}
                    </>
                  )}
                  started <RelativeTime at={attempt.claimedAt} timeZone={timeZone} />
                </p>
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
