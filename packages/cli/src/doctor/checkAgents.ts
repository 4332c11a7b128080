import { AGENT_NAMES, type AgentDetection, createConfiguredAgent } from '@neolith/daemon';
import { type AgentsConfigFlags, loadAgentsConfig } from '../execute/loadAgentsConfig.js';
import type { Check, Finding } from './finding.js';

/** Which agents could be started here, set up as the operator has it. One that is missing is nothing to worry about. */
export function checkAgents(options: AgentsConfigFlags, env: NodeJS.ProcessEnv, directory: string): Check {
  return {
    check: 'agents',
    look: async () => {
      const configured = await loadAgentsConfig(options, env);
      const surroundings = { hostEnvironment: env, baseDirectory: directory };
      const shellCommand = env.NEOLITH_SHELL_COMMAND || undefined;
      const agents = await Promise.all(
        AGENT_NAMES.map(async (name) =>
          describe(name, await createConfiguredAgent(name, configured, surroundings, shellCommand).detect()),
        ),
      );
      return configured.file === null ? agents : [describeFile(configured.file), ...agents];
    },
  };
}

function describeFile(file: string): Finding {
  return { check: 'agents-config', status: 'ok', detail: `agents are set up by ${file}` };
}

function describe(name: string, { found, version, path, remedy, login }: AgentDetection): Finding {
  const check = `agent:${name}`;
  if (!found) {
    return {
      check,
      status: 'warning',
      detail: `${name} is not there`,
      ...(remedy === undefined ? {} : { remedy }),
    };
  }
  const where = path === undefined ? '' : ` (${path})`;
  const detail = `${name} ${version ?? ''}${where}`.replace(/ {2,}/g, ' ').trim();
  if (login === undefined) return { check, status: 'ok', detail };
  // It may keep its log-in where we can't look, such as a keychain: nothing is broken.
  return login.state === 'found'
    ? { check, status: 'ok', detail: `${detail}, logs in by ${login.by}` }
    : {
        check,
        status: 'warning',
        detail: `${detail}, but nothing to log in with was found`,
        ...(login.remedy === undefined ? {} : { remedy: login.remedy }),
      };
}
