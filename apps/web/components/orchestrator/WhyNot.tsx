'use client';

import { useState } from 'react';
import { PageLink, taskHref } from '@/components/ui/PageLink';
import { TaskText } from '@/components/ui/TaskText';
import { ApiProblem, apiGet } from '@/lib/apiGet';
import { formatCount } from '@/lib/formatNumber';
import { showControls } from '@/lib/showControls';
import type { ExplanationJson } from '@/lib/wire';

function tellAhead(ahead: number | null): string {
  const before =
    ahead === null ? 'Other tasks come' : ahead === 1 ? 'One task comes' : `${formatCount(ahead)} tasks come`;
  return `${before} before it: by a higher score or, at the same score, by being due or created earlier`;
}

/** Asks the engine, when opened, why a task is not the one that is handed out next. */
export function WhyNot({
  orchestratorId,
  taskId,
  question,
}: {
  orchestratorId: string;
  taskId: string;
  question: string;
}) {
  const [answer, setAnswer] = useState<ExplanationJson | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  const ask = async () => {
    try {
      const own = `/orchestrators/${encodeURIComponent(orchestratorId)}`;
      setAnswer(await apiGet<ExplanationJson>(`${own}/explain?taskId=${encodeURIComponent(taskId)}`));
      setProblem(null);
    } catch (error) {
      setProblem(error instanceof ApiProblem ? error.message : 'The answer could not be read.');
    }
  };

  return (
    <details
      className="text-xs"
      onToggle={(event) => {
        if (event.currentTarget.open) void ask();
      }}
    >
      <summary className="mt-1 w-fit list-none rounded text-accent underline-offset-2 hover:underline">
        {question}
      </summary>
      <div
        aria-live="polite"
        className="mt-1.5 min-h-10 rounded-lg bg-inset px-3 py-2 leading-5 text-ink-soft"
      >
        {problem === null ? null : <p className="text-bad">{problem}</p>}
        {answer === null ? (
          problem === null ? (
            'Asking…'
          ) : null
        ) : (
          <>
            {answer.asked === null || answer.asked.whyNot.length === 0 ? (
              <p>It is the one that is next.</p>
            ) : (
              <ul className="space-y-0.5">
                {answer.asked.whyNot.map((why) => (
                  <li key={why.code} className="foreign">
                    {why.code === 'OTHERS_SCORE_HIGHER'
                      ? tellAhead(answer.asked?.ahead ?? null)
                      : showControls(why.message)}
                  </li>
                ))}
              </ul>
            )}
            {answer.selected === null || answer.selected.task.id === taskId ? null : (
              <p className="foreign mt-1">
                First is{' '}
                <PageLink
                  href={taskHref(answer.selected.task.id)}
                  className="text-ink underline underline-offset-2"
                >
                  <TaskText text={answer.selected.task.title} />
                </PageLink>
                <span className="tabular">
                  {' '}
                  with {formatCount(answer.selected.weight)} × {formatCount(answer.selected.boost)} ={' '}
                  {formatCount(answer.selected.score)}
                </span>
              </p>
            )}
          </>
        )}
      </div>
    </details>
  );
}
