import { ChevronRight } from 'lucide-react';
import { PageLink } from '@/components/ui/PageLink';
import { TaskText } from '@/components/ui/TaskText';

/** The way back up. */
export function Breadcrumb({ trail }: { trail: readonly { label: string; href: string }[] }) {
  return (
    <nav aria-label="Breadcrumb" className="min-w-0 text-sm">
      <ol className="flex min-w-0 flex-wrap items-center gap-1.5 text-ink-soft">
        {trail.map(({ label, href }, index) => (
          <li key={href} className="flex min-w-0 items-center gap-1.5">
            {index === 0 ? null : <ChevronRight aria-hidden className="size-3.5 shrink-0 text-ink-faint" />}
            <PageLink href={href} className="rounded hover:text-ink hover:underline underline-offset-2">
              <TaskText text={label} />
            </PageLink>
          </li>
        ))}
      </ol>
    </nav>
  );
}
