import type { SectionKind } from './splitSections.js';

/** Fields of other trackers that are part of a task's text, and which part. */
const TEXT_FIELDS: readonly {
  readonly field: string;
  readonly kind: SectionKind;
  readonly heading: string;
}[] = [
  { field: 'implementationPlan', kind: 'activities', heading: 'Implementation plan' },
  { field: 'design', kind: 'technical', heading: 'Design' },
  { field: 'details', kind: 'technical', heading: 'Details' },
  { field: 'notes', kind: 'technical', heading: 'Notes' },
  { field: 'testStrategy', kind: 'validation', heading: 'Test strategy' },
];

/**
 * Texts that an import kept in a task's metadata since no field of ours takes them, at the top or, one level
 * down, among the fields of another system (`{ beads: { design: '…' } }`).
 */
export function readMetadataTexts(
  metadata: Readonly<Record<string, unknown>>,
): { readonly kind: SectionKind; readonly text: string }[] {
  const places = [metadata, ...Object.values(metadata).filter(isRecord)];
  return places.flatMap((place) =>
    TEXT_FIELDS.flatMap(({ field, kind, heading }) => {
      const text = Object.hasOwn(place, field) ? place[field] : undefined;
      return typeof text === 'string' && text.trim() !== ''
        ? [{ kind, text: `## ${heading}\n\n${text.trim()}` }]
        : [];
    }),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
