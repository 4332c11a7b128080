'use client';

import { useEffect, useState } from 'react';
import type { ApiProblem } from '@/lib/apiGet';
import { type AttemptLog, addLogPage, UNREAD_LOG } from '@/lib/attemptLog';
import { followLog } from '@/lib/followLog';

interface Followed {
  attemptId: string;
  log: AttemptLog;
  /** Why the last reading failed; null where it did not. */
  problem: ApiProblem | null;
}

/** The end of an attempt's log; follows it while more may come. */
export function useAttemptLog(attemptId: string): Omit<Followed, 'attemptId'> {
  const [followed, setFollowed] = useState<Followed>({ attemptId, log: UNREAD_LOG, problem: null });

  useEffect(() => {
    const change = (by: (now: Followed) => Partial<Followed>) =>
      setFollowed((now) => {
        // What was read of another attempt is not of this one.
        const own = now.attemptId === attemptId ? now : { attemptId, log: UNREAD_LOG, problem: null };
        return { ...own, ...by(own) };
      });
    // Reads from the end anew, also where this effect runs a second time.
    change(() => ({ log: UNREAD_LOG, problem: null }));
    return followLog(attemptId, {
      onPage: (page) => change(({ log }) => ({ log: addLogPage(log, page) })),
      onProblem: (problem) => change(() => ({ problem })),
      onEnd: () => change(({ log }) => ({ log: { ...log, state: 'complete' } })),
    });
  }, [attemptId]);

  return followed.attemptId === attemptId ? followed : { log: UNREAD_LOG, problem: null };
}
