import Link from 'next/link';
import type { ReactNode } from 'react';

/** A link to another page. Not fetched ahead: pages are made from live data, and a list has hundreds of links. */
export function PageLink({
  href,
  className,
  children,
}: {
  href: string;
  className?: string;
  children: ReactNode;
}) {
  return (
    <Link href={href} prefetch={false} className={className ?? 'hover:underline underline-offset-2'}>
      {children}
    </Link>
  );
}

export const orchestratorHref = (id: string) => `/orchestrators/${encodeURIComponent(id)}`;
export const taskHref = (id: string) => `/tasks/${encodeURIComponent(id)}`;
export const runHref = (id: string) => `/runs/${encodeURIComponent(id)}`;
