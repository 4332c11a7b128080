import { describeConfigIssue, listConfigProblems } from '../describeConfigIssue.js';
import { parseJson } from '../parseJson.js';
import type { AgentConfigurations } from '../registry.js';
import { AgentsConfigError } from './agentsConfigError.js';
import { agentsConfigSchema, type ConfiguredAgents } from './agentsConfigSchema.js';

/**
 * Reads the operator's settings for agents.
 * @param file its name, for messages.
 * @throws `AgentsConfigError` `AGENTS_CONFIG_INVALID`, naming every place that is wrong (`agents.claude.model`), and
 *   never what stands there: it may be secret.
 */
export function parseAgentsConfig(text: string, file: string): ConfiguredAgents {
  // Editors of some systems begin a file with a byte order mark, which is no JSON.
  const json = parseJson(text.replace(/^\uFEFF/, ''));
  if (!json.ok) {
    // What the parser says quotes the file.
    const problem = 'is not JSON that we can use';
    throw new AgentsConfigError(
      'AGENTS_CONFIG_INVALID',
      `${file} ${problem}. Look at its commas, quotes and braces, for example by: node -p 'JSON.parse(require("fs").readFileSync(0))' < ${file}`,
      [{ path: '', message: problem }],
    );
  }
  const parsed = agentsConfigSchema.safeParse(json.value);
  // An error of the compiler here says that the schema lags behind what the adapters take.
  if (parsed.success) return parsed.data.agents satisfies AgentConfigurations;
  const problems = parsed.error.issues.flatMap(describeConfigIssue);
  throw new AgentsConfigError(
    'AGENTS_CONFIG_INVALID',
    `${file} can't be used: ${listConfigProblems(problems)}. Correct it; docs/guides/agents.md lists what each agent takes.`,
    problems,
  );
}
