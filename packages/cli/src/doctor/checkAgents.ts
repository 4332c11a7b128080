import { AGENT_NAMES, type AgentDetection, createConfiguredAgent } from '@neolith/daemon';
import { type AgentsConfigFlags, loadAgentsConfig } from '../execute/loadAgentsConfig.js';
import type { Check, Finding } from './finding.js';

/** Always there, and no help where code is to be written by itself. */
const NO_CODING_AGENTS: ReadonlySet<string> = new Set(['tool', 'windsurf']);

type NamedDetection = { readonly name: string } & AgentDetection;

/** What a look at all agents brought. */
export interface DetectedAgents {
  /** Of the operator; null: there is none. */
  readonly file: string | null;
  readonly detections: readonly NamedDetection[];
}

/** Looks at all agents, once however often it is asked: some take a second to tell their version. */
export function detectAgents(
  options: AgentsConfigFlags,
  env: NodeJS.ProcessEnv,
  directory: string,
): () => Promise<DetectedAgents> {
  const detect = async (): Promise<DetectedAgents> => {
    const configured = await loadAgentsConfig(options, env);
    const surroundings = { hostEnvironment: env, baseDirectory: directory };
    const shellCommand = env.NEOLITH_SHELL_COMMAND || undefined;
    const detections = await Promise.all(
      AGENT_NAMES.map(async (name) => ({
        name,
        ...(await createConfiguredAgent(name, configured, surroundings, shellCommand).detect()),
      })),
    );
    return { file: configured.file, detections };
  };
  let detected: Promise<DetectedAgents> | null = null;
  return () => {
    detected ??= detect();
    return detected;
  };
}

/** Which agents could be started here, and with which log-in. That one is missing is nothing to worry about; all of them is. */
export function checkAgents(detect: () => Promise<DetectedAgents>): Check {
  return {
    check: 'agents',
    look: async () => {
      const { file, detections } = await detect();
      const findings = [...describeFile(file), ...detections.map(describeAgent)];
      if (detections.some(({ name, found }) => found && !NO_CODING_AGENTS.has(name))) return findings;
      return [
        ...findings,
        {
          check: 'agents',
          status: 'warning',
          detail: 'there is no agent that could write code',
          remedy:
            "Install one of those above; or give a command of your own: neolith execute PLAN --shell-command 'COMMAND'",
        },
      ];
    },
  };
}

function describeFile(file: string | null): Finding[] {
  return file === null
    ? []
    : [{ check: 'agents-config', status: 'ok', detail: `agents are set up by ${file}` }];
}

function describeAgent({ name, found, version, path, remedy, login }: NamedDetection): Finding {
  const check = `agent:${name}`;
  if (!found) {
    return {
      check,
      status: 'absent',
      detail: `${name} is not there`,
      ...(remedy === undefined ? {} : { remedy }),
    };
  }
  const what = `${name}${version === undefined ? '' : ` ${version}`}${path === undefined ? '' : ` (${path})`}`;
  if (login === undefined) return { check, status: 'ok', detail: what };
  if (login.state === 'found') {
    return { check, status: 'ok', detail: `${what}, log-in: ${login.by ?? 'found'}` };
  }
  return {
    check,
    status: 'warning',
    detail: `${what}, no log-in was found`,
    ...(login.remedy === undefined ? {} : { remedy: login.remedy }),
  };
}
