'use client';

import { useState } from 'react';
import { LiveIndicator } from '@/components/live/LiveIndicator';
import { StaleNotice } from '@/components/live/StaleNotice';
import { useLiveResource } from '@/components/live/useLiveResource';
import { ConfirmButton } from '@/components/ui/ConfirmButton';
import { EmptyState } from '@/components/ui/EmptyState';
import { PageLink, runHref } from '@/components/ui/PageLink';
import { TaskText } from '@/components/ui/TaskText';
import { apiGet } from '@/lib/apiGet';
import { apiPost } from '@/lib/apiPost';
import { type DeadLetterChoice, deadLetterQuery, deadLettersHref } from '@/lib/deadLetters';
import { plural } from '@/lib/formatNumber';
import type { DeadLetterPageJson, RedriveResultJson } from '@/lib/wire';
import { DeadLetterRow } from './DeadLetterRow';
import { RedriveReport } from './RedriveReport';

/** Tasks that are parked because they failed for good: why, with what history, and another chance for some or all. */
export function DeadLettersView({
  initial,
  choice,
  runName,
}: {
  initial: DeadLetterPageJson;
  choice: DeadLetterChoice;
  /** Of the run whose dead letters are shown. */
  runName: string | null;
}) {
  const { data, problem, patch } = useLiveResource<DeadLetterPageJson>({
    initial,
    read: (signal) => apiGet(`/dead-letters?${deadLetterQuery(choice)}`, signal),
    wants: (event) => event.to === 'FAILED' || event.from === 'FAILED',
  });
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [report, setReport] = useState<{
    result: RedriveResultJson;
    titles: ReadonlyMap<string, string>;
  } | null>(null);
  const { deadLetters, nextCursor } = data;
  const selected = deadLetters.filter(({ task }) => chosen.has(task.id)).map(({ task }) => task.id);

  const redrive = (body: Record<string, unknown>) => async (_reason: string, key: string) => {
    const titles = new Map(deadLetters.map(({ task }) => [task.id, task.title]));
    const result = await apiPost<RedriveResultJson>('/dead-letters/redrive', body, key);
    const gone = new Set(result.redriven);
    patch((page) => ({ ...page, deadLetters: page.deadLetters.filter(({ task }) => !gone.has(task.id)) }));
    setChosen(new Set());
    setReport({ result, titles });
  };

  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h1 className="text-xl font-semibold tracking-tight">Dead letters</h1>
        <LiveIndicator />
      </div>
      {choice.runId === null ? (
        <p className="mt-1 max-w-3xl text-sm text-ink-soft text-pretty">
          Tasks that failed so often that they are parked. Nothing of them is lost; another chance begins with
          fresh budgets.
        </p>
      ) : (
        <p className="foreign mt-1 text-sm text-ink-soft">
          Of{' '}
          <PageLink href={runHref(choice.runId)} className="text-accent underline underline-offset-2">
            <TaskText text={runName ?? choice.runId} />
          </PageLink>
          .{' '}
          <PageLink
            href={deadLettersHref({ runId: null, cursor: null })}
            className="text-accent underline underline-offset-2"
          >
            Show those of all
          </PageLink>
        </p>
      )}
      {report === null ? null : <RedriveReport {...report} onClose={() => setReport(null)} />}
      {deadLetters.length === 0 ? (
        <div className="mt-4 rounded-xl border border-dashed border-line-strong/60">
          <EmptyState title={choice.cursor === null ? 'No task is parked' : 'No more here'}>
            A task comes here when the budget of its failures is spent; until then it is tried again by
            itself.
          </EmptyState>
        </div>
      ) : (
        <>
          <fieldset className="mt-4 flex flex-wrap items-center gap-3">
            <legend className="sr-only">Redrive</legend>
            <label className="flex items-center gap-2 text-sm text-ink-soft">
              <input
                type="checkbox"
                checked={selected.length === deadLetters.length}
                onChange={(event) =>
                  setChosen(new Set(event.target.checked ? deadLetters.map(({ task }) => task.id) : []))
                }
                className="size-4 accent-current"
              />
              All on this page
            </label>
            <ConfirmButton
              label={selected.length === 0 ? 'Redrive selected' : `Redrive ${selected.length} selected`}
              title={`Redrive ${plural(selected.length, 'task')}?`}
              disabled={selected.length === 0}
              act={redrive({ taskIds: selected })}
            >
              Each gets another chance by itself, with fresh budgets. What is refused is shown, and stays as
              it is.
            </ConfirmButton>
            <ConfirmButton
              label={choice.runId === null ? 'Redrive all' : 'Redrive all of the run'}
              title={
                choice.runId === null ? 'Redrive all dead letters?' : 'Redrive all dead letters of the run?'
              }
              act={redrive(choice.runId === null ? { all: true } : { runId: choice.runId })}
            >
              All of them, also those that are not on this page; the newest 500 at once. Each gets another
              chance by itself, with fresh budgets.
            </ConfirmButton>
          </fieldset>
          <ul className="mt-4 space-y-3">
            {deadLetters.map((letter) => (
              <li key={letter.task.id}>
                <DeadLetterRow
                  letter={letter}
                  isChosen={chosen.has(letter.task.id)}
                  onChoose={(isChosen) => {
                    const next = new Set(chosen);
                    if (isChosen) next.add(letter.task.id);
                    else next.delete(letter.task.id);
                    setChosen(next);
                  }}
                  onRedrive={redrive({ taskIds: [letter.task.id] })}
                />
              </li>
            ))}
          </ul>
        </>
      )}
      <p className="mt-4 flex gap-4 text-sm">
        {choice.cursor === null ? null : (
          <PageLink
            href={deadLettersHref({ ...choice, cursor: null })}
            className="text-accent underline underline-offset-2"
          >
            Newest
          </PageLink>
        )}
        {nextCursor === null ? null : (
          <PageLink
            href={deadLettersHref({ ...choice, cursor: nextCursor })}
            className="text-accent underline underline-offset-2"
          >
            Older
          </PageLink>
        )}
      </p>
      <StaleNotice problem={problem} />
    </>
  );
}
