/** Headings under which lists are tasks in a file that has no check boxes. */
const taskHeading =
  /\b(?:tasks?|to-?dos?|requirements?|milestones?|deliverables?|action items?|work items?|user stories|features?|steps|backlog|roadmap|implementation plan|work breakdown|phase\s+\w+|sprint\s+\w+|iteration\s+\w+)\b/i;

/** Headings under which nothing is a task, wherever they stand. */
const otherHeading =
  /\b(?:non-?goals?|non-?requirements?|out of scope|open questions?|assumptions?|risks?|references?|glossary|background|overview|success (?:metrics|criteria)|acceptance criteria|definition of done|appendix|changelog)\b/i;

/** What the headings around a list, innermost first, say about it. */
export function judgeSection(headings: readonly string[]): 'tasks' | 'other' | 'unknown' {
  for (const heading of headings) {
    if (otherHeading.test(heading)) return 'other';
    if (taskHeading.test(heading)) return 'tasks';
  }
  return 'unknown';
}
