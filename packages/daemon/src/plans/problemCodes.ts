/**
 * What a problem means for the plan.
 * - `unusable`: an error, always.
 * - `dropped`: something of the file is left out. A warning; an error when the file is read strictly.
 * - `repaired`: a value was filled in, changed or doubted, and nothing of the file is lost. Always a warning.
 * - `noted`: as it should be. Always a notice.
 */
export type PlanProblemEffect = 'unusable' | 'dropped' | 'repaired' | 'noted';

interface PlanProblemKind {
  readonly effect: PlanProblemEffect;
  readonly meaning: string;
}

/** Every problem code, in the order of the reference table in docs/concepts/plan-format.md. Codes never change. */
export const planProblemKinds = {
  FILE_EMPTY: { effect: 'unusable', meaning: 'The file holds nothing but white space.' },
  FILE_TOO_LARGE: {
    effect: 'unusable',
    meaning: 'The file is larger than a plan may be (50 MB; YAML and Markdown 5 MB).',
  },
  FOLDER_EMPTY: { effect: 'unusable', meaning: 'There is no file in the folder that could hold a plan.' },
  FILE_BINARY: { effect: 'unusable', meaning: 'The file is not text.' },
  FILE_ENCODING: { effect: 'unusable', meaning: 'The text is not UTF-8.' },
  FORMAT_UNKNOWN: { effect: 'unusable', meaning: 'No plan format is recognised in the file.' },
  SYNTAX_INVALID: {
    effect: 'unusable',
    meaning: 'The text, or the front matter, is not valid JSON or YAML.',
  },
  NESTING_TOO_DEEP: { effect: 'unusable', meaning: 'Values are nested more than 100 deep.' },
  ALIASES_EXCESSIVE: { effect: 'unusable', meaning: 'YAML aliases would unfold into too much data.' },
  TAG_UNSUPPORTED: { effect: 'unusable', meaning: 'A YAML tag such as `!include` is used.' },
  KEY_FORBIDDEN: { effect: 'unusable', meaning: 'A key named `__proto__`.' },
  TOP_LEVEL_INVALID: {
    effect: 'unusable',
    meaning: 'The file is not one object with `version`, `name` and `tasks`.',
  },
  LIST_UNKNOWN: { effect: 'unusable', meaning: 'The option `tag` names a list that the file does not have.' },
  FIELD_UNKNOWN: { effect: 'unusable', meaning: 'A field that the plan format does not have.' },
  FIELD_MISSING: { effect: 'unusable', meaning: 'A field that the plan format needs is not there.' },
  FIELD_INVALID: { effect: 'unusable', meaning: 'A field has a value of the wrong type, form or size.' },
  TASKS_EMPTY: { effect: 'unusable', meaning: 'There is no task in the plan.' },
  CYCLE: { effect: 'unusable', meaning: 'Tasks, or phases, wait for one another in a circle.' },
  DEPENDENCIES_TOO_MANY: {
    effect: 'unusable',
    meaning: 'Written dependencies and those that follow from parents and phases are more than 2,000,000.',
  },
  ROW_UNREADABLE: { effect: 'dropped', meaning: 'A row is not a JSON object.' },
  ROW_WITHOUT_ID: { effect: 'dropped', meaning: 'A row has no id that can be used.' },
  ROW_KEY_DROPPED: { effect: 'dropped', meaning: 'A row has a key named `__proto__`, which is left out.' },
  KEY_DUPLICATE: { effect: 'dropped', meaning: 'An object has the same key twice; the last value is taken.' },
  ID_DUPLICATE: { effect: 'dropped', meaning: 'Two tasks have one id; one of them is left out.' },
  DEPENDENCY_UNKNOWN: { effect: 'dropped', meaning: 'A task depends on an id that is not in the plan.' },
  DEPENDENCY_AMBIGUOUS: {
    effect: 'dropped',
    meaning: 'A dependency is named by words that mean several tasks.',
  },
  DEPENDENCY_SELF: { effect: 'dropped', meaning: 'A task depends on itself.' },
  DEPENDENCY_INVALID: { effect: 'dropped', meaning: 'A dependency entry can not be read.' },
  EDGE_TYPE_UNKNOWN: { effect: 'dropped', meaning: 'A dependency of a type that has no known meaning here.' },
  PHASE_UNKNOWN: { effect: 'dropped', meaning: 'A phase is named that is not in the plan.' },
  PARENT_UNKNOWN: { effect: 'dropped', meaning: 'A task names a parent that is not in the plan.' },
  PARENT_CYCLE: { effect: 'dropped', meaning: 'Tasks are parents of one another in a circle.' },
  TEXT_TRUNCATED: { effect: 'dropped', meaning: 'A text is longer than may be and was cut.' },
  METADATA_TRUNCATED: {
    effect: 'dropped',
    meaning: 'Metadata is larger than may be; its largest fields were left out.',
  },
  NUMBER_IMPRECISE: { effect: 'dropped', meaning: 'A number can not be kept exactly.' },
  DEPENDENCY_DUPLICATE: { effect: 'repaired', meaning: 'The same dependency stands there twice.' },
  DEPENDENCY_DERIVED_DROPPED: {
    effect: 'repaired',
    meaning: 'A dependency that follows from a parent contradicts those in the file and was not made.',
  },
  PARENT_EXTRA: { effect: 'repaired', meaning: 'A task has a second parent, which only closes after it.' },
  PREREQUISITE_CANCELLED: {
    effect: 'repaired',
    meaning: 'An open task depends on a cancelled one and would wait for ever.',
  },
  ID_COUNTED: {
    effect: 'repaired',
    meaning: 'Two tasks without ids have the same title in the same place; the later ones are counted.',
  },
  TITLE_MISSING: { effect: 'repaired', meaning: 'A row has no title; its id is taken.' },
  TITLE_SHORTENED: {
    effect: 'repaired',
    meaning: 'A title is longer than 300 characters; the whole is kept in the metadata.',
  },
  STATUS_MISSING: { effect: 'repaired', meaning: 'A row has no status; it counts as open.' },
  STATUS_UNKNOWN: {
    effect: 'repaired',
    meaning: 'A row has a status with no known meaning; it counts as open.',
  },
  PRIORITY_MISSING: {
    effect: 'repaired',
    meaning: 'Rows have no priority, and the option `missingPriority` was not given; it counts them.',
  },
  PRIORITY_INVALID: {
    effect: 'repaired',
    meaning: 'A priority is not 0 to 4; the option `missingPriority` is taken.',
  },
  CREATED_AT_MISSING: { effect: 'repaired', meaning: 'A row has no time of creation.' },
  TIME_INVALID: { effect: 'repaired', meaning: 'A time can not be read; it counts as not given.' },
  VALUE_INVALID: {
    effect: 'repaired',
    meaning: 'A value has the wrong type; it is kept in the metadata only.',
  },
  TEXT_SANITISED: {
    effect: 'repaired',
    meaning: 'NUL characters or half characters were replaced by U+FFFD.',
  },
  FILE_SKIPPED: { effect: 'noted', meaning: 'A file of the folder holds no task.' },
  TASKS_FROM_LISTS: {
    effect: 'noted',
    meaning: 'A Markdown file has no check boxes; its lists are taken for tasks.',
  },
  ITEM_EMPTY: { effect: 'noted', meaning: 'A check box without text.' },
  ITEMS_SKIPPED: { effect: 'noted', meaning: 'Check boxes that are no tasks where they stand.' },
  FIELD_IGNORED: { effect: 'noted', meaning: 'A field that means nothing here.' },
  STATUS_MAPPED: { effect: 'noted', meaning: 'A status that we do not have was mapped.' },
  ROW_DELETED: { effect: 'noted', meaning: 'A row marks a deleted issue and is not imported.' },
  DEPENDENCY_DELETED: {
    effect: 'noted',
    meaning: 'A task depends on a deleted issue, which holds nothing up.',
  },
  EDGE_NOT_DEPENDENCY: {
    effect: 'noted',
    meaning: 'A link that does not order tasks; it is kept in the metadata.',
  },
  TIME_OFFSETS_MIXED: {
    effect: 'noted',
    meaning: 'Times are written in several offsets; all are read as instants.',
  },
} as const satisfies Record<string, PlanProblemKind>;

export type PlanProblemCode = keyof typeof planProblemKinds;
