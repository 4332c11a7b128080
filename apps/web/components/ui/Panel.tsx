import type { ReactNode } from 'react';

/** A titled part of a page; `id` labels the section by its heading. */
export function Panel({
  id,
  title,
  aside,
  children,
  flush = false,
}: {
  id: string;
  title: ReactNode;
  /** Beside the title: a count, a control. */
  aside?: ReactNode;
  children: ReactNode;
  /** True where the content brings its own padding (lists, tables). */
  flush?: boolean;
}) {
  return (
    <section
      aria-labelledby={`${id}-title`}
      className="min-w-0 scroll-mt-16 rounded-xl border border-line bg-surface shadow-[0_1px_2px_rgb(0_0_0/0.03)]"
    >
      <div className="flex min-h-12 flex-wrap items-center justify-between gap-x-4 gap-y-1 border-b border-line px-4 py-2">
        <h2 id={`${id}-title`} className="text-sm font-semibold">
          {title}
        </h2>
        {aside === undefined ? null : <div className="text-xs text-ink-faint">{aside}</div>}
      </div>
      <div className={flush ? '' : 'p-4'}>{children}</div>
    </section>
  );
}
