'use client';

import type { ReactNode, RefObject } from 'react';
import { Command } from '@/components/ui/Command';
import { Panel } from '@/components/ui/Panel';
import { type AttemptLog, LINES_KEPT } from '@/lib/attemptLog';
import { formatCount, plural } from '@/lib/formatNumber';
import type { AttemptJson } from '@/lib/wire';
import { LogLines } from './LogLines';
import { useAttemptLog } from './useAttemptLog';

/** What the agent of an attempt printed: its last lines, and what comes while it works. */
export function LogPanel({ attempt, box }: { attempt: AttemptJson; box: RefObject<HTMLDivElement | null> }) {
  const { log, problem } = useAttemptLog(attempt.id);
  const { lines, cut, droppedBytes, state } = log;
  const isRunning = attempt.status === 'RUNNING';
  return (
    <Panel
      id="log"
      title="Log"
      aside={
        <span className="tabular flex items-center gap-2" data-log={state}>
          {isRunning && state === 'following' ? (
            <span aria-hidden className="size-2 rounded-full bg-good-fill animate-breathe" />
          ) : null}
          attempt {attempt.number}
          {isRunning && state === 'following' ? ' · follows' : ''}
        </span>
      }
      flush
    >
      <LogLines
        attemptId={attempt.id}
        label={`Output of attempt ${attempt.number}`}
        lines={lines}
        box={box}
        isRunning={isRunning}
      >
        {whyEmpty(log, isRunning)}
      </LogLines>
      {problem === null ? null : (
        <Note>
          <span className="text-warn">
            {problem.status === 404
              ? problem.message
              : `The log could not be read on: ${problem.message} Trying again by itself.`}
          </span>
        </Note>
      )}
      {droppedBytes === 0 ? null : (
        <Note>
          {plural(droppedBytes, 'byte')} in all were dropped: it printed more than is sent and kept.
        </Note>
      )}
      {cut ? (
        <Note>
          The last {formatCount(LINES_KEPT)} lines. Everything that is kept:{' '}
          <Command text={`npx neolith logs ${attempt.taskId} --attempt ${attempt.number}`} />
        </Note>
      ) : null}
    </Panel>
  );
}

function whyEmpty({ state }: AttemptLog, isRunning: boolean): string {
  if (state === 'reading') return 'Reading the log…';
  return isRunning && state === 'following'
    ? 'Nothing printed yet.'
    : 'No log: it printed nothing that is kept.';
}

function Note({ children }: { children: ReactNode }) {
  return <p className="foreign border-t border-line px-4 py-2 text-xs text-ink-faint">{children}</p>;
}
