'use client';

import { Monitor, Moon, Sun } from 'lucide-react';
import { useState } from 'react';
import { THEME_COOKIE, THEMES, type Theme } from './theme';

const LOOK = {
  system: { label: 'Theme: like the system', Icon: Monitor },
  light: { label: 'Theme: light', Icon: Sun },
  dark: { label: 'Theme: dark', Icon: Moon },
} as const;

const YEAR_SECONDS = 31_536_000;

/** One button that goes through the themes. */
export function ThemeToggle({ initial }: { initial: Theme }) {
  const [theme, setTheme] = useState(initial);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system';
  const { label, Icon } = LOOK[theme];

  const choose = () => {
    setTheme(next);
    document.querySelector('[data-theme]')?.setAttribute('data-theme', next);
    // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing in pages served over plain HTTP
    document.cookie = `${THEME_COOKIE}=${next}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
  };

  return (
    <button
      type="button"
      onClick={choose}
      aria-label={`${label}. Switch to ${next}`}
      title={label}
      className="grid size-8 place-items-center rounded-lg text-ink-soft hover:bg-inset hover:text-ink"
    >
      <Icon aria-hidden className="size-4" />
    </button>
  );
}
