import { type PlanDefaults, type PlanRun, planSchema } from '@neolith/contracts';
import { describeSchemaIssue } from '../../describeSchemaIssue.js';
import { isRecord } from '../../isRecord.js';
import { parseYamlDocument } from '../../parseYamlDocument.js';
import type { PlanPath, PlanText } from '../../planReader.js';
import type { ProblemLog } from '../../problemLog.js';
import { reportUnsafeValues } from '../../reportUnsafeValues.js';
import { showValue } from '../../showValue.js';
import { priorityWords } from '../priorityWords.js';

/** What the YAML at the start of a Markdown plan says. */
export interface FrontMatter {
  readonly name: string | null;
  readonly description: string | null;
  readonly defaults: PlanDefaults;
  readonly run: PlanRun | null;
  /** True: each phase waits for the one before it. */
  readonly isSequential: boolean;
}

const nothing: FrontMatter = { name: null, description: null, defaults: {}, run: null, isSequential: false };

/** Other words for a field, as people write them. */
const spellings: Readonly<Record<string, string>> = {
  title: 'name',
  deadline: 'due',
  labels: 'tags',
  assignee: 'orchestrator',
  timeout: 'timeoutMinutes',
};

const defaultFields = ['priority', 'orchestrator', 'tags', 'maxAttempts', 'backoff', 'timeoutMinutes', 'due'];

/** Reads and checks the front matter. Returns null after an error. */
export function readFrontMatter(source: PlanText | null, log: ProblemLog): FrontMatter | null {
  if (source === null || source.text.trim() === '') return nothing;
  const document = parseYamlDocument(source, log);
  if (document === null) return null;
  const { value, locate } = document;
  if (value === null || value === undefined) return nothing;
  if (!isRecord(value)) {
    log.add(
      'TOP_LEVEL_INVALID',
      locate([]),
      `The front matter of ${source.file} is ${showValue(value)}; write it as fields, such as "name: My plan".`,
    );
    return null;
  }
  if (reportUnsafeValues(value, locate, log)) return null;

  // Where each field of the plan was written.
  const places = new Map<string, PlanPath>();
  const defaults: Record<string, unknown> = isRecord(value.defaults) ? { ...value.defaults } : {};
  const plan: Record<string, unknown> = { version: 1, name: 'plan', tasks: [] };
  let isSequential = false;
  for (const [key, given] of Object.entries(value)) {
    const field = Object.hasOwn(spellings, key) ? (spellings[key] ?? key) : key;
    if (defaultFields.includes(field)) {
      defaults[field] = given;
      places.set(`defaults.${field}`, [key]);
    } else if (['name', 'description', 'run'].includes(field)) {
      plan[field] = given;
      places.set(field, [key]);
    } else if (field === 'sequential') isSequential = given === true;
    else if (field === 'defaults') {
      if (!isRecord(given)) plan.defaults = given;
    } else if (field !== 'version') {
      log.add(
        'FIELD_IGNORED',
        locate([key]),
        `The field ${showValue(key)} of the front matter means nothing here.`,
      );
    }
  }
  if (typeof defaults.tags === 'string')
    defaults.tags = defaults.tags.split(',').map((tag) => tag.replace(/^[\s#]+|\s+$/g, ''));
  if (typeof defaults.priority === 'string') {
    defaults.priority = priorityWords.get(defaults.priority.toLowerCase()) ?? defaults.priority;
  }
  plan.defaults ??= defaults;

  const parsed = planSchema.safeParse(plan);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      for (const { code, path, message } of describeSchemaIssue(plan, issue)) {
        const written = places.get(path.slice(0, 2).join('.')) ?? places.get(String(path[0]));
        const length = places.has(path.slice(0, 2).join('.')) ? 2 : 1;
        log.add(code, locate(written === undefined ? path : [...written, ...path.slice(length)]), message);
      }
    }
    return null;
  }
  return {
    name: places.has('name') ? parsed.data.name : null,
    description: parsed.data.description ?? null,
    defaults: parsed.data.defaults ?? {},
    run: parsed.data.run ?? null,
    isSequential,
  };
}
