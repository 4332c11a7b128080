import type { z } from 'zod';
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
      `${file} is not JSON that we can use: ${json.problem}.`,
      [{ path: '', message: json.problem }],
    );
  }
  const parsed = routerConfigSchema.safeParse(json.value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap(describeIssue);
  const lines = problems.map(({ path, message }) => `${path === '' ? 'the file' : path} ${message}`);
  throw new RouterConfigError(
    'ROUTER_CONFIG_INVALID',
    `${file} can't be used: ${lines.join('; ')}. Correct it, or remove the file to route by the defaults.`,
    problems,
    { cause: parsed.error },
  );
}

function describeIssue(issue: z.core.$ZodIssue): { path: string; message: string }[] {
  const path = formatPath(issue.path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: formatPath([...issue.path, key]),
        message: 'is not known here',
      }));
    case 'invalid_value':
      return [
        { path, message: `must be one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}` },
      ];
    case 'invalid_type':
      return [
        {
          path,
          message: `must be ${issue.expected === 'array' ? 'a list' : `of the type ${issue.expected}`}`,
        },
      ];
    default:
      return [{ path, message: issue.message }];
  }
}

function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((step, index) =>
      typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${String(step)}`,
    )
    .join('');
}
