import { AGENT_NAMES, type AgentDetection, createConfiguredAgent } from '@neolith/daemon';
import { type AgentsConfigFlags, loadAgentsConfig } from '../execute/loadAgentsConfig.js';
import type { Check, Finding } from './finding.js';

/** Always there, and no help where code is to be written by itself. */
const NO_CODING_AGENTS: ReadonlySet<string> = new Set(['tool', 'windsurf']);

/** Which agents could be started here, and with which log-in. That one is missing is nothing to worry about; all of them is. */
export function checkAgents(options: AgentsConfigFlags, env: NodeJS.ProcessEnv, directory: string): Check {
  return {
    check: 'agents',
    look: async () => {
      const configured = await loadAgentsConfig(options, env);
      const surroundings = { hostEnvironment: env, baseDirectory: directory };
      const shellCommand = env.NEOLITH_SHELL_COMMAND || undefined;
      const detections = await Promise.all(
        AGENT_NAMES.map(async (name) => ({
          name,
          ...(await createConfiguredAgent(name, configured, surroundings, shellCommand).detect()),
        })),
      );
      const findings = [...describeFile(configured.file), ...detections.map(describeAgent)];
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

function describeAgent({
  name,
  found,
  version,
  path,
  remedy,
  login,
}: { name: string } & AgentDetection): Finding {
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
