import { parsePlanDue, planLimits, readResource, writeResource } from '@neolith/contracts';
import type { ProblemLog } from '../../problemLog.js';
import { showValue } from '../../showValue.js';
import { priorityWords } from '../priorityWords.js';
import type { MarkdownSettings } from './markdownTask.js';
import { parseDuration } from './parseDuration.js';
import type { Attribute } from './readAttributes.js';

/**
 * Puts what an attribute says into the settings of a task or a phase. Returns false for the keys that only a task
 * or only its caller knows what to do with. A value that can't be read is reported, and given to `keep`.
 */
export function applyAttribute(
  attribute: Attribute,
  settings: MarkdownSettings,
  subject: string,
  log: ProblemLog,
  keep: (key: string, value: string) => void,
): boolean {
  const { key, value, at } = attribute;
  const refuse = (code: 'TIME_INVALID' | 'PRIORITY_INVALID' | 'VALUE_INVALID', wanted: string) => {
    keep(key, value);
    log.add(code, at, `${key} of ${subject} is ${showValue(value)}, not ${wanted}; it counts as not given.`);
  };
  const isNone = /^(?:-|–|—|none|n\/a|tbd|\?)?$/i.test(value);
  switch (key) {
    case 'priority': {
      const priority = priorityWords.get(value.toLowerCase().replace(/\s+priority$|[.!]$/, ''));
      if (priority !== undefined) settings.priority = priority;
      else if (!isNone) refuse('PRIORITY_INVALID', 'critical, high, medium, low or P0 to P4');
      return true;
    }
    case 'due': {
      const dueAt = parsePlanDue(value);
      if (dueAt !== null) settings.dueAt = dueAt;
      else if (!isNone) {
        refuse(
          'TIME_INVALID',
          'a date (2026-11-20) or a date-time with its offset (2026-11-20T17:00:00+01:00)',
        );
      }
      return true;
    }
    case 'tags':
      settings.tags.push(
        ...value.split(/[,;]|\s+(?=#)/).flatMap((tag) => tag.replace(/^[\s#`[]+|[\s`\]]+$/g, '') || []),
      );
      return true;
    case 'resources': {
      if (isNone) return true;
      const read = value.split(/[,;]/).map((part) => readResource(part.replace(/^[\s`[]+|[\s`\]]+$/g, '')));
      const uses = read.filter((use) => typeof use !== 'string');
      settings.resources = [...(settings.resources ?? []), ...uses.map(writeResource)];
      if (uses.length < read.length)
        refuse('VALUE_INVALID', 'a list of names without spaces (path:src/api/**, shared db-schema)');
      return true;
    }
    case 'orchestrator':
      if (isNone) return true;
      if (value.length <= 300) settings.orchestrator = value;
      else refuse('VALUE_INVALID', 'a name of at most 300 characters');
      return true;
    case 'agent':
      if (!isNone) settings.agent = value.slice(0, 300).toWellFormed();
      return true;
    case 'timeout': {
      const minutes = parseDuration(value);
      if (minutes !== null && minutes <= planLimits.timeoutMinutesMax) {
        settings.timeoutSeconds = Math.max(1, Math.round(minutes * 60));
      } else if (!isNone) refuse('VALUE_INVALID', 'a time such as 30m or 2h, at most a week');
      return true;
    }
    case 'maxAttempts': {
      const attempts = /^\d{1,3}$/.test(value) ? Number(value) : 0;
      if (attempts >= 1 && attempts <= planLimits.attemptsMax) settings.maxAttempts = attempts;
      else if (!isNone) refuse('VALUE_INVALID', `a whole number from 1 to ${planLimits.attemptsMax}`);
      return true;
    }
    default:
      return false;
  }
}
