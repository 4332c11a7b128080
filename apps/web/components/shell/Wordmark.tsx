/** Three standing stones, the middle one raised. */
export function Wordmark() {
  return (
    <span className="flex items-center gap-2">
      <svg aria-hidden="true" viewBox="0 0 20 20" className="size-5 text-accent-fill">
        <rect x="1.5" y="8" width="4.5" height="10.5" rx="1.6" fill="currentColor" opacity="0.55" />
        <rect x="7.75" y="3.5" width="4.5" height="15" rx="1.6" fill="currentColor" />
        <rect x="14" y="6" width="4.5" height="12.5" rx="1.6" fill="currentColor" opacity="0.75" />
      </svg>
      <span className="text-sm font-semibold tracking-tight">Neolith</span>
    </span>
  );
}
