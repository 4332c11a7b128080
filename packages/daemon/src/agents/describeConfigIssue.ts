import type { z } from 'zod';

/** One place of a file of settings that is wrong: `rules[1].when.types[0]`; an empty path is the file. */
export interface ConfigProblem {
  readonly path: string;
  /** To be read after the path. */
  readonly message: string;
}

/** What a schema says of a file of settings, in words for those who wrote the file. Pure. */
export function describeConfigIssue(issue: z.core.$ZodIssue): ConfigProblem[] {
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
    case 'invalid_key':
      return issue.issues.map(({ message }) => ({ path, message }));
    default:
      return [{ path, message: issue.message }];
  }
}

/** All of them as one sentence's part. */
export function listConfigProblems(problems: readonly ConfigProblem[]): string {
  return problems.map(({ path, message }) => `${path === '' ? 'the file' : path} ${message}`).join('; ');
}

function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((step, index) =>
      typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${String(step)}`,
    )
    .join('');
}
