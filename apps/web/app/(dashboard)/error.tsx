'use client';

import { Command } from '@/components/ui/Command';

export default function ErrorPage({
  error,
  reset,
}: {
  error: Error & { digest?: string };
  reset: () => void;
}) {
  return (
    <div role="alert" className="mx-auto max-w-xl py-16 text-center">
      <h1 className="text-xl font-semibold tracking-tight">This page broke</h1>
      <p className="mt-2 text-sm text-ink-soft text-pretty">
        Your tasks are not affected: the engine and the daemons go on without the dashboard.
        {error.digest === undefined ? null : (
          <>
            {' '}
            The server’s log has the cause under <code className="font-mono">{error.digest}</code>.
          </>
        )}
      </p>
      <div className="mt-5 flex flex-wrap items-center justify-center gap-3">
        <button
          type="button"
          onClick={reset}
          className="h-9 rounded-lg bg-ink px-4 text-sm font-medium text-canvas hover:opacity-90"
        >
          Try again
        </button>
        <Command text="npx neolith status" />
      </div>
    </div>
  );
}
