import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const MAC = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];
// Without these a browser on a closed network keeps looking up its maker's hosts.
const QUIET = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function findChromium(): Promise<string> {
  const named = process.env.CHROMIUM_PATH;
  if (named !== undefined && named !== '') return named;
  if (process.platform === 'linux' && process.arch === 'x64') {
    const { default: packaged } = await import('@sparticuz/chromium');
    return packaged.executablePath();
  }
  const onPath = (process.env.PATH ?? '').split(delimiter).filter((directory) => directory !== '');
  const places = [...onPath.flatMap((directory) => NAMES.map((name) => join(directory, name))), ...MAC];
  for (const place of places) {
    if (await isExecutable(place)) return place;
  }
  throw new Error('No Chromium was found: install Chrome or Chromium, or set CHROMIUM_PATH to one.');
}

/** A real Chromium without a window: `CHROMIUM_PATH`, else the one from npm (Linux x64), else an installed one. */
export async function launchBrowser(): Promise<Browser> {
  const asRoot = process.getuid?.() === 0;
  return chromium.launch({
    executablePath: await findChromium(),
    args: asRoot ? [...QUIET, '--no-sandbox'] : QUIET,
  });
}
