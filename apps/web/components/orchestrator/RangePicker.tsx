'use client';

import { CalendarDays } from 'lucide-react';
import Link from 'next/link';
import { usePathname, useRouter } from 'next/navigation';
import { useState, useTransition } from 'react';
import type { RangeChoice, RangeName } from '@/lib/statsRange';

const PRESETS: [Exclude<RangeName, 'custom'>, string, string][] = [
  ['24h', '24 h', 'Last 24 hours'],
  ['7d', '7 d', 'Last 7 days'],
  ['30d', '30 d', 'Last 30 days'],
  ['90d', '90 d', 'Last 90 days'],
];

const item = 'flex h-8 items-center gap-1.5 rounded-md px-3 text-sm';
const chosen = 'bg-surface font-medium text-ink shadow-[0_1px_2px_rgb(0_0_0/0.12)]';
const other = 'text-ink-soft hover:text-ink';
const dateField =
  'h-9 rounded-lg border border-line bg-surface px-2.5 text-sm text-ink hover:border-line-strong';

/** Which range the statistics are of; kept in the URL, so that it can be shared and survives a reload. */
export function RangePicker({ choice }: { choice: RangeChoice }) {
  const path = usePathname();
  const router = useRouter();
  const [pending, startTransition] = useTransition();
  const [custom, setCustom] = useState(choice.name === 'custom');
  const [from, setFrom] = useState(choice.from ?? '');
  const [to, setTo] = useState(choice.to ?? '');

  return (
    <div className="flex flex-wrap items-center gap-2" aria-busy={pending}>
      {custom ? (
        <form
          aria-label="Custom range"
          className="flex flex-wrap items-center gap-2 text-sm"
          onSubmit={(event) => {
            event.preventDefault();
            const query = new URLSearchParams({ range: 'custom', from, to });
            startTransition(() => router.push(`${path}?${query}`, { scroll: false }));
          }}
        >
          <label className="flex items-center gap-2">
            <span className="text-ink-faint">From</span>
            <input
              type="date"
              required
              value={from}
              max={to === '' ? undefined : to}
              onChange={(event) => setFrom(event.target.value)}
              className={dateField}
            />
          </label>
          <label className="flex items-center gap-2">
            <span className="text-ink-faint">to</span>
            <input
              type="date"
              required
              value={to}
              min={from === '' ? undefined : from}
              onChange={(event) => setTo(event.target.value)}
              className={dateField}
            />
          </label>
          <button type="submit" className="h-9 rounded-lg bg-ink px-3.5 text-sm font-medium text-canvas">
            Show
          </button>
        </form>
      ) : null}
      <nav
        aria-label="Range of the statistics"
        className="flex rounded-lg bg-inset p-0.5 ring-1 ring-line ring-inset"
      >
        {PRESETS.map(([name, label, title]) => (
          <Link
            key={name}
            href={`${path}?range=${name}`}
            prefetch={false}
            scroll={false}
            title={title}
            aria-current={choice.name === name ? 'true' : undefined}
            className={`${item} ${choice.name === name ? chosen : other}`}
          >
            {label}
          </Link>
        ))}
        <button
          type="button"
          aria-expanded={custom}
          onClick={() => setCustom(!custom)}
          className={`${item} ${choice.name === 'custom' ? chosen : other}`}
        >
          <CalendarDays aria-hidden className="size-3.5" />
          Custom
        </button>
      </nav>
    </div>
  );
}
