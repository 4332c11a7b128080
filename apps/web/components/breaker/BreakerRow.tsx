import { ConfirmButton } from '@/components/ui/ConfirmButton';
import { StatusBadge } from '@/components/ui/StatusBadge';
import { TaskText } from '@/components/ui/TaskText';
import { Elapsed, RelativeTime } from '@/components/ui/Time';
import { apiPost } from '@/lib/apiPost';
import { plural } from '@/lib/formatNumber';
import { showControls } from '@/lib/showControls';
import { BREAKER_STATUS_LOOK } from '@/lib/statusLook';
import type { BreakerJson } from '@/lib/wire';

/** One breaker: how it stands, since when and why, what happens next, and what a person may do about it. */
export function BreakerRow({
  breaker,
  onChange,
}: {
  breaker: BreakerJson;
  onChange(changed: BreakerJson): void;
}) {
  const { agent, provider, status, forced, reason, changedAt, trips } = breaker;
  const name = showControls(provider === 'default' ? agent : `${agent} with ${provider}`);
  const change = (path: string, body: Record<string, string>) => async (why: string, key: string) =>
    onChange(
      await apiPost<BreakerJson>(
        `/breakers/${path}`,
        { agent, provider, ...body, ...(why === '' ? {} : { reason: why }) },
        key,
      ),
    );
  return (
    <article
      aria-label={name}
      className="flex flex-wrap items-start justify-between gap-x-8 gap-y-4 rounded-xl border border-line bg-surface p-4 shadow-[0_1px_2px_rgb(0_0_0/0.03)] xl:px-5"
    >
      <div className="min-w-0">
        <h2 className="foreign flex flex-wrap items-center gap-x-3 gap-y-1 text-base font-semibold tracking-tight">
          <span>
            <TaskText text={agent} />
            {provider === 'default' ? null : (
              <span className="font-normal text-ink-soft">
                {' '}
                with <TaskText text={provider} />
              </span>
            )}
          </span>
          <StatusBadge {...BREAKER_STATUS_LOOK[status]} />
          {forced === null ? null : <StatusBadge label="Held by hand" tone="neutral" />}
        </h2>
        <p className="mt-1.5 text-sm text-ink-soft">
          For <Elapsed since={changedAt} timeZone="UTC" />
          {trips > 1 ? `, opened ${plural(trips, 'time')} in a row` : null}
          {' · '}
          <NextStep breaker={breaker} />
        </p>
        {reason === null ? null : (
          <p className="foreign mt-1 line-clamp-3 text-sm text-ink-soft">
            <TaskText text={reason} />
          </p>
        )}
      </div>
      <div className="flex flex-wrap gap-2">
        {forced === 'open' ? null : (
          <ConfirmButton
            label="Hold open"
            name={name}
            tone="bad"
            title={`Hold ${name} open?`}
            reason="Why (kept with the breaker)"
            act={change('force', { to: 'open' })}
          >
            Nobody uses it until you release it. What it is doing now goes on; its other tasks go to other
            agents, or wait.
          </ConfirmButton>
        )}
        {forced === 'closed' ? null : (
          <ConfirmButton
            label="Hold closed"
            name={name}
            title={`Hold ${name} closed?`}
            reason="Why (kept with the breaker)"
            act={change('force', { to: 'closed' })}
          >
            It is used whatever happens, until you release it. Tasks that waited for it go on at once.
          </ConfirmButton>
        )}
        {forced === null && status !== 'open' ? null : (
          <ConfirmButton
            label="Release"
            name={name}
            tone="accent"
            title={`Release ${name}?`}
            reason="Why (kept with the breaker)"
            act={change('release', {})}
          >
            It moves by itself again.{' '}
            {status === 'open' ? 'The next attempt tries whether it works, and decides.' : null}
          </ConfirmButton>
        )}
      </div>
    </article>
  );
}

function NextStep({ breaker: { status, forced, openUntil, probeAttemptId } }: { breaker: BreakerJson }) {
  if (forced === 'open' && openUntil === null) return 'stays so until it is released';
  if (forced === 'closed') return 'stays so, whatever happens, until it is released';
  if (status === 'open')
    return openUntil === null ? (
      'stays so until it is released'
    ) : (
      <>
        next probe <RelativeTime at={openUntil} timeZone="UTC" />
      </>
    );
  if (status === 'half_open')
    return probeAttemptId === null ? 'the next attempt is its probe' : 'a probe is out, and decides';
  return 'lets work through';
}
