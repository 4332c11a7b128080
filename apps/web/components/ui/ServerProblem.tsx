import { Command } from './Command';

/** The page can't be shown because the engine refused or is away: what is wrong in its own words, and what to do. */
export function ServerProblem({
  title,
  message,
  command,
}: {
  title: string;
  message: string;
  command: string | null;
}) {
  return (
    <div className="mx-auto max-w-xl py-16 text-center">
      <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
      <p className="foreign mt-2 text-sm text-ink-soft text-pretty">{message}</p>
      {command === null ? null : (
        <div className="mt-4">
          <Command text={command} />
        </div>
      )}
    </div>
  );
}
