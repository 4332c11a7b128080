import { describeConfigIssue, listConfigProblems } from '../agents/describeConfigIssue.js';
import { parseJson } from '../agents/parseJson.js';
import { type RouterConfig, routerConfigSchema } from './routerConfig.js';
import { RouterConfigError } from './routerConfigError.js';

/**
 * Reads a routing configuration.
 * @param file its name, for messages.
 * @throws `RouterConfigError` `ROUTER_CONFIG_INVALID`, naming every place that is wrong (`rules[1].when.types[0]`).
 */
export function parseRouterConfig(text: string, file: string): RouterConfig {
  // Editors of some systems begin a file with a byte order mark, which is no JSON.
  const json = parseJson(text.replace(/^\uFEFF/, ''));
  if (!json.ok) {
    throw new RouterConfigError(
      'ROUTER_CONFIG_INVALID',
      `${file} is not JSON that we can use: ${json.problem}. Correct it, or remove the file to route by the defaults.`,
      [{ path: '', message: json.problem }],
    );
  }
  const parsed = routerConfigSchema.safeParse(json.value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap(describeConfigIssue);
  throw new RouterConfigError(
    'ROUTER_CONFIG_INVALID',
    `${file} can't be used: ${listConfigProblems(problems)}. Correct it, or remove the file to route by the defaults.`,
    problems,
    { cause: parsed.error },
  );
}
