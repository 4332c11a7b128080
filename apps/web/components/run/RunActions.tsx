import { ConfirmButton } from '@/components/ui/ConfirmButton';
import { apiPost } from '@/lib/apiPost';
import { plural } from '@/lib/formatNumber';
import { showControls } from '@/lib/showControls';
import type { RunJson } from '@/lib/wire';

/** What a person may do with a run that waits for one: release it, retry what failed, or cancel it. */
export function RunActions({
  run,
  onChange,
}: {
  run: Pick<RunJson, 'id' | 'name' | 'status' | 'counts'>;
  onChange(changed: RunJson): void;
}) {
  const { status, counts } = run;
  if (status !== 'QUARANTINED' && status !== 'FAILED') return null;
  const name = showControls(run.name);
  const act = (verb: string) => async (reason: string, key: string) =>
    onChange(
      await apiPost<RunJson>(
        `/runs/${encodeURIComponent(run.id)}/${verb}`,
        reason === '' ? {} : { reason },
        key,
      ),
    );
  const live = counts.inProgress + counts.merging;
  return (
    <section aria-label="What you may do" className="mt-3 flex flex-wrap gap-2">
      {status === 'QUARANTINED' ? (
        <ConfirmButton
          label="Release"
          tone="accent"
          title={`Release ${name}?`}
          reason="Why (kept with the run’s history)"
          act={act('release')}
        >
          It hands out work again, and its failures are counted anew. What has failed for good stays failed.
        </ConfirmButton>
      ) : null}
      <ConfirmButton
        label="Retry what failed"
        tone={status === 'FAILED' ? 'accent' : 'plain'}
        title={`Retry ${name}?`}
        reason="Why (kept with the run’s history)"
        act={act('retry')}
      >
        {plural(counts.failed, 'failed task')} and what was cancelled because of that get another chance, with
        fresh budgets, and the run hands out work again. What somebody cancelled stays cancelled.
      </ConfirmButton>
      {status === 'QUARANTINED' ? (
        <ConfirmButton
          label="Cancel the run"
          tone="bad"
          title={`Cancel ${name}?`}
          reason="Why (kept with the run’s history)"
          act={act('stop')}
        >
          What waits is cancelled at once
          {live === 0 ? '' : `, and ${plural(live, 'attempt')} that still runs is asked to end`}. What is done
          stays done.
        </ConfirmButton>
      ) : null}
    </section>
  );
}
