import { toPlainText } from '../../markdownBlocks.js';
import type { ProblemLog } from '../../problemLog.js';
import { showValue } from '../../showValue.js';
import { applyAttribute } from './applyAttribute.js';
import { statusWords } from './checkBox.js';
import type { MarkdownTask } from './markdownTask.js';
import { parseDuration } from './parseDuration.js';
import type { Attribute } from './readAttributes.js';
import { readTitle } from './readTitle.js';

/** Where a task stands among the others. */
export type TaskPlace = Pick<MarkdownTask, 'parent' | 'previous' | 'number' | 'phase'>;

/** A task of what is left of its line without check box and attributes. */
export function makeMarkdownTask(
  text: string,
  at: MarkdownTask['at'],
  attributes: readonly Attribute[],
  place: TaskPlace,
  log: ProblemLog,
): MarkdownTask {
  const struck = /^~~(.+)~~$/s.exec(text)?.[1];
  const { id, title } = readTitle(struck ?? text);
  const task: MarkdownTask = {
    givenId: attributes.find(({ key }) => key === 'id')?.value.trim() || id,
    title: title === '' ? (id ?? '') : title,
    ...place,
    status: struck === undefined ? 'open' : 'cancelled',
    settings: { tags: [] },
    after: [],
    estimateMinutes: null,
    acceptanceCriteria: [],
    description: holdsLink(text) ? [text] : [],
    unread: {},
    at,
  };
  for (const attribute of attributes) applyToTask(attribute, task, log);
  return task;
}

/** The title keeps a link's text only; the address stays in the description. */
function holdsLink(text: string): boolean {
  return text.length <= 5_000 && /\[[^\]]*\]\([^)]*\)/.test(text);
}

/** Puts what an attribute says into a task. */
export function applyToTask(attribute: Attribute, task: MarkdownTask, log: ProblemLog): void {
  const { key, value, at } = attribute;
  const subject = showValue(task.title);
  const keep = (word: string, text: string) => {
    task.unread[word] = text;
  };
  if (applyAttribute(attribute, task.settings, subject, log, keep)) return;
  if (key === 'id') task.givenId ??= value.trim() || null;
  else if (key === 'after') task.after.push(attribute);
  else if (key === 'acceptance' && value !== '') task.acceptanceCriteria.push(toPlainText(value));
  else if (key === 'estimate') {
    const minutes = parseDuration(value);
    if (minutes !== null) task.estimateMinutes = minutes;
    else if (!/^(?:-|–|—|none|n\/a|tbd|\?)?$/i.test(value)) {
      keep(key, value);
      log.add(
        'VALUE_INVALID',
        at,
        `estimate of ${subject} is ${showValue(value)}, not a time such as 30m, 2h or 1d; it counts as not given.`,
      );
    }
  } else if (key === 'status' && value !== '') {
    const known = statusWords.get(
      value
        .toLowerCase()
        .replace(/[\s_-]+/g, ' ')
        .trim(),
    );
    if (known === undefined) {
      keep(key, value);
      log.add(
        'STATUS_UNKNOWN',
        at,
        `${subject} has the unknown status ${showValue(value)}; it counts as open.`,
      );
      return;
    }
    if (known.isNoted) {
      keep(key, value);
      log.add('STATUS_MAPPED', at, `${subject} is ${value}, which counts as ${known.status} here.`);
    }
    task.status = known.status;
  }
}
