'use client';

import { type FormEvent, type ReactNode, useId, useRef, useState } from 'react';
import { ApiProblem } from '@/lib/apiGet';
import { newKey } from '@/lib/newKey';

export type ButtonTone = 'plain' | 'accent' | 'bad';

const LOOK: Record<ButtonTone, string> = {
  plain: 'border-line-strong bg-surface text-ink hover:bg-inset',
  accent: 'border-transparent bg-ink text-canvas hover:opacity-85',
  bad: 'border-bad-fill/50 bg-surface text-bad hover:bg-bad-fill/10',
};

const button =
  'relative z-10 rounded-lg border px-3 py-1.5 text-sm font-medium disabled:cursor-not-allowed disabled:opacity-50';

/**
 * A button that says what it will do, and asks, before it does it. `act` gets a key that is the same for every try of one
 * question, so that a repetition after a lost answer does nothing twice; what it throws is shown, and may be tried again.
 */
export function ConfirmButton({
  label,
  name,
  title,
  children,
  tone = 'plain',
  reason,
  disabled = false,
  act,
}: {
  label: string;
  /** What it is about, for those who don't see where it stands. */
  name?: string;
  title: string;
  children: ReactNode;
  tone?: ButtonTone;
  /** A label for a reason that may be given, which is kept; left out: none is asked for. */
  reason?: string;
  disabled?: boolean;
  act(reason: string, key: string): Promise<void>;
}) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const key = useRef('');
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  const ask = () => {
    key.current = newKey();
    setText('');
    setProblem(null);
    dialog.current?.showModal();
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await act(text.trim(), key.current);
      dialog.current?.close();
    } catch (error) {
      setProblem(
        error instanceof ApiProblem ? error.message : 'It could not be done; look at the server’s log.',
      );
      // The same key with another answer in mind would be given the old refusal.
      if (!(error instanceof ApiProblem) || error.status < 500) key.current = newKey();
    } finally {
      setBusy(false);
    }
  };

  return (
    <>
      <button
        type="button"
        disabled={disabled}
        onClick={ask}
        aria-haspopup="dialog"
        {...(name === undefined ? {} : { 'aria-label': `${label} ${name}` })}
        className={`${button} ${LOOK[tone]}`}
      >
        {label}
      </button>
      <dialog
        ref={dialog}
        aria-labelledby={`${id}-title`}
        className="m-auto w-[calc(100%-2rem)] max-w-md rounded-xl border border-line bg-surface p-5 text-left text-ink shadow-xl backdrop:bg-black/40"
      >
        <form onSubmit={(event) => void submit(event)}>
          <h2 id={`${id}-title`} className="text-base font-semibold">
            {title}
          </h2>
          <div className="mt-2 text-sm text-ink-soft text-pretty">{children}</div>
          {reason === undefined ? null : (
            <label className="mt-4 block text-sm">
              <span className="text-xs text-ink-faint">{reason}</span>
              <input
                type="text"
                value={text}
                maxLength={500}
                onChange={(event) => setText(event.target.value)}
                className="mt-1 block w-full rounded-lg border border-line-strong bg-canvas px-3 py-1.5"
              />
            </label>
          )}
          {problem === null ? null : (
            <p role="alert" className="foreign mt-3 text-sm text-bad">
              {problem}
            </p>
          )}
          <div className="mt-5 flex justify-end gap-2">
            <button
              type="button"
              className={`${button} ${LOOK.plain}`}
              onClick={() => dialog.current?.close()}
            >
              Back
            </button>
            <button
              type="submit"
              disabled={busy}
              className={`${button} ${LOOK[tone === 'plain' ? 'accent' : tone]}`}
            >
              {busy ? 'Working …' : label}
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}
