'use client';

import { memo, type ReactNode, type RefObject, useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { LogLine } from '@/lib/attemptLog';
import { showControls } from '@/lib/showControls';

// Fractions of a pixel, and a browser's zoom.
const END_PX = 4;

/**
 * The lines of a log in a box that scrolls. New ones are followed only while the reader is at the end; who has scrolled
 * back keeps the place. `children`: what to say where there are none.
 */
export function LogLines({
  attemptId,
  label,
  lines,
  box,
  isRunning,
  children,
}: {
  attemptId: string;
  label: string;
  lines: readonly LogLine[];
  /** To be given the box that scrolls. */
  box: RefObject<HTMLDivElement | null>;
  /** More may come: room is kept for it. */
  isRunning: boolean;
  children: ReactNode;
}) {
  const content = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const [isBehind, setBehind] = useState(false);

  const toEnd = () => {
    if (box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt's log begins at its own end
  useLayoutEffect(() => {
    atEnd.current = true;
    setBehind(false);
  }, [attemptId]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the lines are what makes the box longer
  useLayoutEffect(() => {
    if (atEnd.current) toEnd();
  }, [lines]);
  useEffect(() => {
    // A narrower window and a font that comes late wrap lines anew.
    const observer = new ResizeObserver(() => {
      if (atEnd.current && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
    });
    if (content.current !== null) observer.observe(content.current);
    if (box.current !== null) observer.observe(box.current);
    return () => observer.disconnect();
  }, [box]);

  return (
    <div className="relative">
      {/* Not told aloud as it grows: a flood of lines would never let a reader's voice finish. */}
      <div
        ref={box}
        role="log"
        aria-live="off"
        aria-label={label}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be within reach of the keyboard
        tabIndex={0}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
          atEnd.current = scrollHeight - scrollTop - clientHeight <= END_PX;
          setBehind(!atEnd.current);
        }}
        className={`max-h-[28rem] overflow-y-auto overscroll-contain rounded-b-xl px-4 py-3 -outline-offset-2 ${isRunning ? 'min-h-24' : ''}`}
      >
        <div ref={content} className="font-mono text-xs leading-5">
          {lines.length === 0 ? (
            <p className="font-sans text-sm text-ink-faint">{children}</p>
          ) : (
            lines.map((line) => <Line key={line.key} line={line} />)
          )}
        </div>
      </div>
      {isBehind ? (
        <button
          type="button"
          onClick={() => {
            toEnd();
            box.current?.focus({ preventScroll: true });
          }}
          className="absolute bottom-3 right-5 rounded-full border border-line bg-surface px-3 py-1 text-xs font-medium text-ink-soft shadow-sm hover:text-ink"
        >
          To the end
        </button>
      ) : null}
    </div>
  );
}

const Line = memo(function Line({ line: { kind, text } }: { line: LogLine }) {
  if (kind === 'gap') {
    return (
      <p className="my-1 rounded bg-inset px-2 text-center font-sans text-ink-soft" data-line="gap">
        {text}
      </p>
    );
  }
  const isError = kind === 'stderr';
  return (
    <p
      className={`foreign whitespace-pre-wrap ${isError ? '-ml-2.5 border-l-2 border-warn-fill pl-2 text-warn' : 'text-ink'}`}
      data-line={kind}
    >
      {/* The word tells the streams apart; it is not copied with the lines. */}
      {isError ? <span className="mr-2 select-none text-2xs font-medium">err</span> : null}
      <span>{text === '' ? '\u00a0' : showControls(text)}</span>
    </p>
  );
});
