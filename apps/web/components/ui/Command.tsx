'use client';

import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';

/** A command to type, with a button that copies it. */
export function Command({ text }: { text: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2_000);
    return () => clearTimeout(timer);
  }, [copied]);

  // Not every browser lets a page that came over plain HTTP write to the clipboard; the text can be selected then.
  const copy = () =>
    navigator.clipboard?.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    );

  return (
    <span className="inline-flex max-w-full items-center gap-1 rounded-md border border-line bg-inset py-0.5 pl-2 pr-1 align-middle">
      <code className="foreign font-mono text-xs text-ink">{text}</code>
      <button
        type="button"
        onClick={() => void copy()}
        aria-label={copied ? 'Copied' : `Copy the command ${text}`}
        className="relative z-10 grid size-6 shrink-0 place-items-center rounded text-ink-faint hover:text-ink"
      >
        {copied ? <Check aria-hidden className="size-3.5" /> : <Copy aria-hidden className="size-3.5" />}
      </button>
    </span>
  );
}
