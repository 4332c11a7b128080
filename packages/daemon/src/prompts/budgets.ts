/**
 * How many bytes of a prompt each thing beside the task's own text may take; longer ones lose their middle, with
 * a mark. The task's own text (title, description, criteria, a person's answer) is never cut.
 */
export const PROMPT_BUDGETS = {
  /** Each, and all together. */
  dependencyResult: 8 * 1024,
  dependencyResults: 48 * 1024,
  previousAttempt: 2 * 1024,
  previousAttempts: 10 * 1024,
  relatedTasks: 4 * 1024,
  charter: 8 * 1024,
  projectFacts: 8 * 1024,
  standardsFile: 16 * 1024,
  standardsFiles: 48 * 1024,
} as const;
