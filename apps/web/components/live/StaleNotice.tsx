import { Command } from '@/components/ui/Command';
import type { ApiProblem } from '@/lib/apiGet';

/** Says that what is shown could not be refreshed, why, and what to do. Lies over the page: nothing moves. */
export function StaleNotice({ problem }: { problem: ApiProblem | null }) {
  if (problem === null) return null;
  const signedOut = problem.status === 401 || problem.status === 403;
  return (
    <div
      role="alert"
      className="fixed inset-x-4 bottom-4 z-40 mx-auto max-w-xl rounded-lg border border-line bg-surface p-4 text-sm shadow-lg"
    >
      <p className="font-medium text-warn">
        {signedOut ? 'Your session has ended' : 'What you see may be old'}
      </p>
      <p className="foreign mt-1 text-ink-soft">
        {signedOut
          ? 'Get a new sign-in link from the machine that runs the server:'
          : `${problem.message} Trying again by itself.`}
      </p>
      {signedOut ? (
        <div className="mt-2">
          <Command text="npx neolith sign-in" />
        </div>
      ) : null}
    </div>
  );
}
