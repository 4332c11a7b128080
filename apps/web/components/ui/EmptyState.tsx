import type { ReactNode } from 'react';
import { Command } from './Command';

/** Nothing is here: why, and what to try next. */
export function EmptyState({
  title,
  children,
  command,
}: {
  title: string;
  children?: ReactNode;
  command?: string;
}) {
  return (
    <div className="flex flex-col items-center gap-2 px-6 py-10 text-center">
      <p className="text-sm font-medium">{title}</p>
      {children === undefined ? null : (
        <div className="max-w-md text-sm text-ink-soft text-pretty">{children}</div>
      )}
      {command === undefined ? null : (
        <div className="mt-2">
          <Command text={command} />
        </div>
      )}
    </div>
  );
}
