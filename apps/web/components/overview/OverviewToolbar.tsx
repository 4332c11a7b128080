'use client';

import { Search } from 'lucide-react';
import { useState } from 'react';
import { type Arrangement, FILTERS, type Filter, SORTS, type Sort } from '@/lib/arrangeOverview';

/** Keeps a choice in the URL without a round trip to the server; the default is no parameter. */
function keep(name: string, value: string, fallback: string) {
  const url = new URL(window.location.href);
  if (value === fallback) url.searchParams.delete(name);
  else url.searchParams.set(name, value);
  window.history.replaceState(null, '', url);
}

const field =
  'h-9 rounded-lg border border-line bg-surface text-sm text-ink placeholder:text-ink-faint hover:border-line-strong';

export function OverviewToolbar({
  arrangement,
  shown,
  total,
}: {
  arrangement: Arrangement;
  shown: number;
  total: number;
}) {
  const [query, setQuery] = useState(arrangement.query);

  return (
    <search aria-label="Orchestrators" className="mt-6 flex flex-wrap items-center gap-2">
      <div className="relative w-full sm:w-64">
        <Search aria-hidden className="pointer-events-none absolute left-3 top-2.5 size-4 text-ink-faint" />
        <input
          type="search"
          aria-label="Search by name, role or capability"
          placeholder="Name, role, capability"
          value={query}
          maxLength={200}
          onChange={(event) => {
            setQuery(event.target.value);
            keep('q', event.target.value, '');
          }}
          className={`${field} w-full pl-9 pr-3`}
        />
      </div>
      <label className="flex items-center gap-2 text-sm">
        <span className="sr-only">Show</span>
        <select
          value={arrangement.filter}
          onChange={(event) => keep('show', event.target.value, 'all')}
          className={`${field} px-2.5`}
        >
          {(Object.keys(FILTERS) as Filter[]).map((filter) => (
            <option key={filter} value={filter}>
              {FILTERS[filter]}
            </option>
          ))}
        </select>
      </label>
      <label className="flex items-center gap-2 text-sm">
        <span className="sr-only">Order</span>
        <select
          value={arrangement.sort}
          onChange={(event) => keep('sort', event.target.value, 'attention')}
          className={`${field} px-2.5`}
        >
          {(Object.keys(SORTS) as Sort[]).map((sort) => (
            <option key={sort} value={sort}>
              {SORTS[sort]}
            </option>
          ))}
        </select>
      </label>
      <p aria-live="polite" className="tabular ml-auto text-xs text-ink-faint">
        {shown === total ? `${total} orchestrators` : `${shown} of ${total} orchestrators`}
      </p>
    </search>
  );
}
