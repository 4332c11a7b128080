import {
  planBackoffSchema,
  planDefaultsSchema,
  planPhaseSchema,
  planRunSchema,
  planSchema,
  planTaskSchema,
} from '@neolith/contracts';
import type { PlanPath } from './planReader.js';
import type { PlanProblemCode } from './problemCodes.js';
import { showValue } from './showValue.js';
import { suggestField } from './suggestField.js';

export interface SchemaIssue {
  readonly code?: string | undefined;
  readonly message: string;
  readonly path: readonly PropertyKey[];
  readonly keys?: readonly string[];
}

export interface DescribedIssue {
  readonly code: PlanProblemCode;
  readonly path: PlanPath;
  readonly message: string;
}

const nameCharsMax = 60;

/** Says in our words what a schema issue means: which task, which field, what it must be and what it is. */
export function describeSchemaIssue(root: unknown, issue: SchemaIssue): DescribedIssue[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  const { subject, field } = describeSubject(root, path);
  if (issue.keys !== undefined) {
    return issue.keys.map((key) => ({
      code: 'FIELD_UNKNOWN',
      path: [...path, key],
      message: describeUnknownField(subject, field, key, path),
    }));
  }
  const value = getAt(root, path);
  if (value === undefined) {
    return [
      {
        code: 'FIELD_MISSING',
        path,
        message: `${subject} has no ${JSON.stringify(field)}; it ${issue.message}.`,
      },
    ];
  }
  if (field === '') {
    return [
      { code: 'FIELD_INVALID', path, message: `${subject} must be an object, not ${showValue(value)}.` },
    ];
  }
  return [
    {
      code: 'FIELD_INVALID',
      path,
      message: `${subject}: ${JSON.stringify(field)} ${issue.message}, not ${showValue(value)}.`,
    },
  ];
}

const listWords: ReadonlyMap<unknown, string> = new Map([
  ['tasks', 'Task'],
  ['phases', 'Phase'],
]);

/** `Task build` for what lies in `tasks`, with the field inside of it; `The plan` for everything else. */
function describeSubject(root: unknown, path: PlanPath): { subject: string; field: string } {
  const [list, index, ...rest] = path;
  const word = listWords.get(list);
  if (word === undefined || list === undefined || typeof index !== 'number') {
    return { subject: 'The plan', field: formatPath(path) };
  }
  const id = getAt(root, [list, index, 'id']);
  const name = typeof id === 'string' || typeof id === 'number' ? String(id) : `number ${index + 1}`;
  return { subject: `${word} ${name.slice(0, nameCharsMax)}`, field: formatPath(rest) };
}

function describeUnknownField(subject: string, field: string, key: string, path: PlanPath): string {
  const fields = Object.keys(findShape(path));
  const where = field === '' ? '' : ` in ${JSON.stringify(field)}`;
  const suggestion = suggestField(key, fields);
  const remedy =
    suggestion === null
      ? `Known are ${fields.join(', ')}${path[0] === 'tasks' ? '; anything else goes into metadata' : ''}.`
      : `Did you mean ${JSON.stringify(suggestion)}?`;
  return `${subject} has the unknown field ${JSON.stringify(key)}${where}. ${remedy}`;
}

function findShape(path: PlanPath): Record<string, unknown> {
  switch (path[0]) {
    case 'tasks':
      return path[2] === 'backoff' ? planBackoffSchema.shape : planTaskSchema.shape;
    case 'phases':
      return planPhaseSchema.shape;
    case 'defaults':
      return path[1] === 'backoff' ? planBackoffSchema.shape : planDefaultsSchema.shape;
    case 'run':
      if (path[1] === 'backoff') return planBackoffSchema.shape;
      return path.length === 1 ? planRunSchema.shape : planRunSchema.shape.failureThreshold.unwrap().shape;
    default:
      return planSchema.shape;
  }
}

function formatPath(path: PlanPath): string {
  return path
    .map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`))
    .join('');
}

function getAt(root: unknown, path: PlanPath): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = Reflect.get(value, step);
  }
  return value;
}
