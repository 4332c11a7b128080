export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

/** Holds the reader's choice; the server reads it, so that the first paint is right without a script. */
export const THEME_COOKIE = 'neolith_theme';

export function parseTheme(text: string | undefined): Theme {
  return THEMES.find((theme) => theme === text) ?? 'system';
}
