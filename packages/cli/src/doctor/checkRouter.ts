import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AGENT_NAMES,
  ROUTER_CONFIG_FILE,
  type RouterConfig,
  RouterConfigError,
  readRouterConfig,
} from '@neolith/daemon';
import { plural } from '../output/plural.js';
import type { DetectedAgents } from './checkAgents.js';
import type { Check, Finding } from './finding.js';

const CHECK = 'router-config';

export interface RouterPlace {
  /** A file, or a directory that may hold one. */
  readonly path: string;
  /** Somebody asked for this very one: it must be there. */
  readonly isNamed: boolean;
}

/** Whether the routing configuration can be used, and which of its agents can't be started here. */
export function checkRouter(place: RouterPlace, detect: () => Promise<DetectedAgents>): Check {
  return {
    check: CHECK,
    look: async () => {
      const file = await findFile(place.path);
      if (file === null) return place.isNamed ? [describeMissing(place.path)] : [];
      try {
        const config = await readRouterConfig(file);
        const used = `tasks are routed by ${file}, ${plural(config.rules.length, 'rule')}`;
        return [{ check: CHECK, status: 'ok', detail: used }, ...(await describeAgents(config, detect))];
      } catch (error) {
        if (!(error instanceof RouterConfigError)) throw error;
        // It names the file, what is wrong where, and what to do.
        return [{ check: CHECK, status: 'failure', detail: error.message }];
      }
    },
  };
}

async function findFile(path: string): Promise<string | null> {
  try {
    const file = (await stat(path)).isDirectory() ? join(path, ROUTER_CONFIG_FILE) : path;
    await stat(file);
    return file;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

const describeMissing = (path: string): Finding => ({
  check: CHECK,
  status: 'failure',
  detail: `there is no routing configuration ${path}`,
  remedy: 'Name the file, or the directory of a router.config.json; or leave --router out.',
});

async function describeAgents(
  config: RouterConfig,
  detect: () => Promise<DetectedAgents>,
): Promise<Finding[]> {
  let detected: DetectedAgents;
  try {
    detected = await detect();
  } catch {
    // The check of agents says what is wrong with their settings.
    return [];
  }
  const found = new Set(detected.detections.flatMap(({ name, found: isThere }) => (isThere ? [name] : [])));
  const named = new Set([...config.rules.flatMap(({ agents }) => agents), ...(config.defaultAgents ?? [])]);
  const known: readonly string[] = AGENT_NAMES;
  const unknown = [...named, ...Object.keys(config.limits ?? {})].filter((name) => !known.includes(name));
  const absent = [...named].filter((name) => known.includes(name) && !found.has(name));
  const stuck = config.rules.flatMap(({ name, agents, fallback }, index) =>
    fallback === false && !agents.some((agent) => found.has(agent))
      ? [JSON.stringify(name ?? `rule ${index + 1}`)]
      : [],
  );
  const findings: Finding[] = [];
  if (unknown.length > 0) {
    findings.push({
      check: CHECK,
      status: 'warning',
      detail: `it names agents that nobody knows: ${[...new Set(unknown)].join(', ')}`,
      remedy: `Correct the names. Known are ${known.join(', ')}.`,
    });
  }
  if (absent.length > 0) {
    findings.push({
      check: CHECK,
      status: 'warning',
      detail: `it names agents that are not there, and are passed over: ${absent.join(', ')}`,
      remedy: 'Install them, as said above, or take them out of the file.',
    });
  }
  if (stuck.length > 0) {
    findings.push({
      check: CHECK,
      status: 'warning',
      detail: `what these rules match waits for ever on this machine: ${stuck.join(', ')}`,
      remedy: 'None of their agents is there, and "fallback" is false. Install one, or allow the fallback.',
    });
  }
  return findings;
}
