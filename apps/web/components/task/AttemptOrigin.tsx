import { PageLink, taskHref } from '@/components/ui/PageLink';
import { originOf } from '@/lib/originOf';
import type { AttemptJson } from '@/lib/wire';

/** Whose work the result of an attempt is, where no agent did it. */
export function AttemptOrigin({
  attempt,
  attempts,
}: {
  attempt: AttemptJson;
  attempts: readonly AttemptJson[];
}) {
  const origin = originOf(attempt.metrics);
  if (origin === null) return null;
  const own = attempts.find(({ id }) => id === origin.attemptId);
  return (
    <p className="mt-1 text-xs text-ink-soft" data-origin={origin.kind}>
      {origin.kind === 'merged-before' ? (
        `Its work had been merged before, by ${own === undefined ? 'an earlier attempt' : `attempt ${own.number}`}.`
      ) : own !== undefined ? (
        `Took over the result of attempt ${own.number}; no agent ran.`
      ) : (
        <>
          Took over the result of{' '}
          <PageLink href={taskHref(origin.taskId)} className="underline underline-offset-2">
            another task
          </PageLink>
          ; no agent ran.
        </>
      )}
    </p>
  );
}
