/** What can be said of a task or a phase in words of the form `key: value`. */
export type AttributeKey =
  | 'id'
  | 'after'
  | 'priority'
  | 'due'
  | 'tags'
  | 'resources'
  | 'estimate'
  | 'orchestrator'
  | 'agent'
  | 'timeout'
  | 'maxAttempts'
  | 'status'
  | 'acceptance';

/** Every spelling, in small letters. */
export const attributeSpellings: Readonly<Record<AttributeKey, readonly string[]>> = {
  id: ['id'],
  after: [
    'depends on',
    'depends-on',
    'dependson',
    'depends',
    'dependencies',
    'dependency',
    'deps',
    'after',
    'blocked by',
    'blocked-by',
    'blockedby',
    'requires',
    'prerequisites',
  ],
  priority: ['priority', 'prio'],
  due: ['due', 'due date', 'deadline'],
  tags: ['tags', 'tag', 'labels', 'label'],
  resources: ['resources', 'resource', 'locks'],
  estimate: ['estimate', 'estimated', 'est', 'effort'],
  orchestrator: ['orchestrator', 'assignee', 'assigned to', 'owner'],
  agent: ['agent'],
  timeout: ['timeout', 'time-out'],
  maxAttempts: ['max attempts', 'maxattempts', 'attempts'],
  status: ['status', 'state'],
  acceptance: [
    'acceptance criteria',
    'acceptance criterion',
    'acceptance',
    'ac',
    'done when',
    'definition of done',
  ],
};

const keyOf = new Map(
  Object.entries(attributeSpellings).flatMap(([key, words]) =>
    words.map((word) => [word, key as AttributeKey]),
  ),
);

/** The attribute that a word stands for, whatever its case and marks. */
export function findAttributeKey(word: string): AttributeKey | null {
  return keyOf.get(word.replace(/[*_`]/g, '').trim().toLowerCase().replace(/\s+/g, ' ')) ?? null;
}

const spellings = [...keyOf.keys()].sort((a, b) => b.length - a.length);
const word = `(?:${spellings.map((text) => text.replace(/[ -]/g, (gap) => (gap === ' ' ? '[ \\t]+' : '-'))).join('|')})`;

/** A key with its colon, in bold or not, at the start of a text or after a space, a separator or a bracket. */
export const attributePattern = new RegExp(
  `(?<=^|[\\s,;|·•–—(\\[{])(?:[*_]{1,3})?(${word})(?:[*_]{1,3})?[ \\t]*:(?:[*_]{1,3})?(?=\\s|$|[^\\s/:])`,
  'giu',
);
