/** Percent done, 0 to 100. The label names the task to those who don't see the bar. */
export function ProgressBar({ value, label }: { value: number; label: string }) {
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={value}
      className="h-1 overflow-hidden rounded-full bg-inset"
    >
      <div
        className="h-full origin-left rounded-full bg-accent-fill transition-transform duration-500 ease-out motion-reduce:transition-none"
        style={{ transform: `scaleX(${Math.min(100, Math.max(0, value)) / 100})` }}
      />
    </div>
  );
}
