import type { Metadata, Viewport } from 'next';
import localFont from 'next/font/local';
import { cookies } from 'next/headers';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { ThemeToggle } from '@/components/shell/ThemeToggle';
import { parseTheme, THEME_COOKIE } from '@/components/shell/theme';
import { Wordmark } from '@/components/shell/Wordmark';

const text = localFont({
  src: '../../components/fonts/Geist-Variable.woff2',
  variable: '--font-text',
  weight: '100 900',
  display: 'swap',
});
const code = localFont({
  src: '../../components/fonts/GeistMono-Variable.woff2',
  variable: '--font-code',
  weight: '100 900',
  display: 'swap',
  preload: false,
});

export const metadata: Metadata = {
  title: { default: 'Neolith', template: '%s · Neolith' },
  description: 'What runs, what is stuck and why, what is next.',
  robots: { index: false },
};

export const viewport: Viewport = { colorScheme: 'light dark', width: 'device-width', initialScale: 1 };

export default async function DashboardLayout({ children }: { children: ReactNode }) {
  const theme = parseTheme((await cookies()).get(THEME_COOKIE)?.value);
  return (
    <div
      data-theme={theme}
      className={`${text.variable} ${code.variable} flex min-h-dvh flex-col bg-canvas font-sans text-ink`}
    >
      <a href="#main" className="skip-link rounded-md bg-ink px-3 py-2 text-sm font-medium text-canvas">
        Skip to the content
      </a>
      <header className="sticky top-0 z-30 border-b border-line bg-canvas/85 backdrop-blur-md">
        <div className="mx-auto flex min-h-13 w-full max-w-[1600px] flex-wrap items-center justify-between gap-x-4 px-4 py-1 sm:px-6">
          <Link href="/" prefetch={false} aria-label="Neolith, all orchestrators" className="rounded-md py-1">
            <Wordmark />
          </Link>
          <nav aria-label="Main" className="-mx-2 flex flex-wrap items-center gap-x-1 sm:mx-0">
            <Place href="/">Orchestrators</Place>
            <Place href="/runs">Runs</Place>
            <Place href="/dead-letters">Dead letters</Place>
            <Place href="/breakers">Breakers</Place>
            <Place href="/resources">Resources</Place>
            <ThemeToggle initial={theme} />
          </nav>
        </div>
      </header>
      <main
        id="main"
        tabIndex={-1}
        className="mx-auto w-full max-w-[1600px] grow px-4 pb-16 pt-6 outline-none sm:px-6"
      >
        {children}
      </main>
    </div>
  );
}

function Place({ href, children }: { href: string; children: ReactNode }) {
  return (
    <Link
      href={href}
      prefetch={false}
      className="rounded-lg px-2 py-1.5 text-sm text-ink-soft hover:bg-inset hover:text-ink sm:px-3"
    >
      {children}
    </Link>
  );
}
