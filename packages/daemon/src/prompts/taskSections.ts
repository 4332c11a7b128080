import type { TaskExecutionContext } from '@neolith/contracts';
import { data, ours, type PromptBlock, type PromptSection } from './promptBlock.js';
import { readMetadataTexts } from './readMetadataTexts.js';
import { type SectionKind, splitSections } from './splitSections.js';

type Clean = (text: string) => string;

/**
 * The sections that the task itself fills: its description at its headings, its title, tags and criteria. All of
 * its text is there, however long; nothing is made up where it says nothing.
 */
export function makeTaskSections(context: TaskExecutionContext, clean: Clean): PromptSection[] {
  const { task } = context;
  const written = splitSections(clean(task.description));
  const fields = readMetadataTexts(task.metadata).map(({ kind, text }) => ({ kind, text: clean(text) }));
  const take = (kind: SectionKind): PromptBlock[] => {
    const texts = [...written, ...fields].filter((section) => section.kind === kind);
    return [data(`task.${kind}`, texts.map(({ text }) => text).join('\n\n'))];
  };
  const criteria = task.acceptanceCriteria.map((criterion) => `- [ ] ${clean(criterion)}`).join('\n');
  const tags = task.tags.length > 0 ? `\nTags: ${task.tags.map(clean).join(', ')}` : '';
  return [
    {
      heading: 'Overview',
      blocks: [
        ours(describeFacts(context)),
        data('task.title', `Title: ${clean(task.title)}${tags}`),
        ...take('overview'),
      ],
    },
    { heading: 'Objectives', blocks: take('objectives') },
    { heading: 'Key activities', blocks: take('activities') },
    { heading: 'Deliverables', blocks: take('deliverables') },
    { heading: 'Technical implementation', blocks: take('technical') },
    {
      heading: 'Validation and acceptance criteria',
      blocks: [data('task.criteria', criteria), ...take('validation')],
    },
    { heading: 'Constraints', blocks: take('constraints') },
  ];
}

function describeFacts({ task, previousAttempts }: TaskExecutionContext): string {
  const lines = [`- Priority: ${task.priority}`];
  // A date, or as it came over the wire.
  if (task.dueAt !== null) lines.push(`- Due: ${new Date(task.dueAt).toISOString()}`);
  if (task.estimateMinutes !== null) lines.push(`- Estimate: ${task.estimateMinutes} minutes`);
  if (task.timeoutSeconds !== null)
    lines.push(`- Time limit: ${Math.ceil(task.timeoutSeconds / 60)} minutes, then the attempt is ended`);
  const earlier = Math.max(0, ...previousAttempts.map(({ number }) => number));
  if (earlier > 0) lines.push(`- Attempt: ${earlier + 1}`);
  return lines.join('\n');
}
