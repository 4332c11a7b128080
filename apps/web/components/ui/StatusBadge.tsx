import type { Tone } from '@/lib/statusLook';

/** Text, dot and ground of each tone. */
export const TONES: Record<Tone, { text: string; dot: string; tint: string }> = {
  neutral: { text: 'text-ink-soft', dot: 'bg-mute-fill', tint: 'bg-inset' },
  running: { text: 'text-accent', dot: 'bg-accent-fill', tint: 'bg-accent-fill/10' },
  good: { text: 'text-good', dot: 'bg-good-fill', tint: 'bg-good-fill/12' },
  warn: { text: 'text-warn', dot: 'bg-warn-fill', tint: 'bg-warn-fill/14' },
  bad: { text: 'text-bad', dot: 'bg-bad-fill', tint: 'bg-bad-fill/10' },
};

/** A state in a word; the colour only repeats what the word says. */
export function StatusBadge({ label, tone }: { label: string; tone: Tone }) {
  const look = TONES[tone];
  return (
    <span
      className={`inline-flex items-center gap-1.5 whitespace-nowrap rounded-full align-top px-2 py-0.5 text-xs font-medium ${look.text} ${look.tint}`}
    >
      <span aria-hidden className={`size-1.5 rounded-full ${look.dot}`} />
      {label}
    </span>
  );
}

export function ToneDot({ tone }: { tone: Tone }) {
  return <span aria-hidden className={`inline-block size-2 shrink-0 rounded-full ${TONES[tone].dot}`} />;
}
