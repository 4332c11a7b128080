import type { UsageSum } from '@neolith/contracts';
import { tellTotals } from '@/lib/formatUsage';

/** What the attempts of a run that have ended used up. */
export function RunUsage({ usage }: { usage: UsageSum | null }) {
  const { tokens, tokensNote, cost, costNote } = tellTotals(usage);
  return (
    <dl className="mt-4 grid grid-cols-2 gap-x-6 border-t border-line pt-3" data-usage>
      <Total label="Tokens" value={tokens} note={tokensNote} />
      <Total label="Cost" value={cost} note={costNote} />
    </dl>
  );
}

function Total({ label, value, note }: { label: string; value: string; note: string }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-ink-faint">{label}</dt>
      <dd className="tabular mt-0.5 text-sm">
        <span className="font-medium">{value}</span>
        <span className="block min-h-4 text-2xs text-ink-faint">{note}</span>
      </dd>
    </div>
  );
}
