import { readFileSync } from 'node:fs';
import { cpus, platform, release, totalmem } from 'node:os';
import { nodeOfContestants } from './nodeOfContestants.js';

/** The machine and the runtime, for a reader who compares figures. */
export function describeMachine(): string {
  const processors = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown processor'}, ${gigabytes} GiB, ${platform()} ${release()}, Node ${process.version}`;
}

/** For the notes of a benchmark with contestants in processes of their own: under which Node, which versions. */
export function describeContestants(packages: readonly string[]): string {
  return `All contestants, ours too, ran under Node ${nodeOfContestants().version}, for the newest versions of the peers ask for 22 (\`BENCH_NODE=own\` takes the Node at hand). ${versionsOf(packages)}.`;
}

/** Versions of installed packages, as they say themselves. */
export function versionsOf(names: readonly string[]): string {
  return names.map((name) => `${name} ${versionOf(name)}`).join(', ');
}

function versionOf(name: string): string {
  // Many packages don't export their package.json; beside this package it lies all the same.
  const path = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
  return version;
}
