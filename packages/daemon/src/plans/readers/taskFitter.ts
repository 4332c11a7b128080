import { planLimits } from '@neolith/contracts';
import { cutToBytes } from '../cutToBytes.js';
import type { PlanPosition } from '../planProblem.js';
import type { ProblemLog } from '../problemLog.js';

/** Makes the texts of one task fit the limits of a plan and reports what had to go. */
export interface TaskFitter {
  /** An empty title becomes the task's id. */
  title(title: string): string;
  description(description: string): string | null;
  tags(tags: readonly string[]): string[];
  acceptanceCriteria(criteria: readonly string[]): string[];
}

export function createTaskFitter(id: string, at: PlanPosition, log: ProblemLog): TaskFitter {
  return {
    title(title) {
      const line = title.replace(/\s+/g, ' ').trim();
      if (line === '') {
        log.add('TITLE_MISSING', at, `${id} has no title; its id stands in for it. Give it one.`);
        return id;
      }
      if (line.length <= planLimits.titleCharsMax) return line;
      log.add(
        'TITLE_SHORTENED',
        at,
        `The title of ${id} has ${line.length} characters; ${planLimits.titleCharsMax} were taken, the whole is kept with the task.`,
      );
      return cutTitle(line);
    },

    description(description) {
      const text = description.trim();
      if (text === '') return null;
      const cut = cutToBytes(text, planLimits.descriptionBytesMax);
      if (cut.length < text.length) {
        const size = planLimits.descriptionBytesMax / 1024;
        log.add(
          'TEXT_TRUNCATED',
          at,
          `The description of ${id} is longer than ${size} KB and was cut there.`,
        );
      }
      return cut;
    },

    tags(tags) {
      const unique = [...new Set(tags.map((tag) => tag.trim()).filter((tag) => tag !== ''))];
      const fitting = unique
        .filter((tag) => tag.length <= planLimits.tagCharsMax)
        .slice(0, planLimits.tagsMax);
      if (fitting.length < unique.length) {
        log.add(
          'TEXT_TRUNCATED',
          at,
          `${id} has ${unique.length} tags; only ${planLimits.tagsMax}, each of at most ${planLimits.tagCharsMax} characters, can be kept.`,
        );
      }
      return fitting;
    },

    acceptanceCriteria(criteria) {
      const given = criteria.map((text) => text.trim()).filter((text) => text !== '');
      const kept = given
        .slice(0, planLimits.acceptanceCriteriaMax)
        .map((text) => text.slice(0, planLimits.acceptanceCriterionCharsMax).toWellFormed());
      if (
        kept.length < given.length ||
        kept.some((text, index) => text.length < (given[index]?.length ?? 0))
      ) {
        log.add(
          'TEXT_TRUNCATED',
          at,
          `${id} has more than ${planLimits.acceptanceCriteriaMax} acceptance criteria, or one of more than ${planLimits.acceptanceCriterionCharsMax} characters; the rest was cut.`,
        );
      }
      return kept;
    },
  };
}

/** The start of a title that is too long, with a mark. */
export function cutTitle(title: string): string {
  // An emoji at the cut would be left in halves.
  return title
    .slice(0, planLimits.titleCharsMax - 1)
    .replace(/[\uD800-\uDBFF]$/, '')
    .concat('…');
}
