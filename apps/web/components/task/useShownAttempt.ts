'use client';

import { useSearchParams } from 'next/navigation';
import { type RefObject, useRef } from 'react';
import type { AttemptJson } from '@/lib/wire';

interface ShownAttempt {
  /** The one that the address names (`?attempt=2`), else the latest; null before the first. */
  shown: AttemptJson | null;
  /** Shows the log of another one, and leads the reader to it. */
  show(attempt: AttemptJson): void;
  /** The box with the lines. */
  box: RefObject<HTMLDivElement | null>;
}

/** Which attempt's log is shown; kept in the address, so that it can be shared and survives a reload. */
export function useShownAttempt(attempts: readonly AttemptJson[]): ShownAttempt {
  const named = useSearchParams().get('attempt');
  const box = useRef<HTMLDivElement>(null);
  const latest = attempts.reduce<AttemptJson | null>(
    (last, attempt) => (last === null || attempt.number > last.number ? attempt : last),
    null,
  );
  const shown = attempts.find(({ number }) => String(number) === named) ?? latest;

  const show = (attempt: AttemptJson) => {
    const url = new URL(window.location.href);
    url.searchParams.set('attempt', String(attempt.number));
    window.history.replaceState(null, '', url);
    box.current?.focus({ preventScroll: true });
    box.current?.closest('section')?.scrollIntoView({ block: 'nearest' });
  };
  return { shown, show, box };
}
