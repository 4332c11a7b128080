import { showControls } from '@/lib/showControls';

/** One line of a task's or an agent's text. React writes it as text; controls in it are made visible. */
export function TaskText({ text }: { text: string }) {
  return <bdi className="foreign">{showControls(text)}</bdi>;
}

const SHOWN_CHARACTERS = 20_000;

/** Text of many lines as it was written; very long text is cut, and says so. */
export function TaskProse({ text, mono = false }: { text: string; mono?: boolean }) {
  const cut = text.length > SHOWN_CHARACTERS;
  return (
    <>
      <div
        className={`foreign whitespace-pre-wrap ${mono ? 'font-mono text-xs leading-5' : 'text-sm leading-6 text-pretty'}`}
      >
        {showControls(cut ? text.slice(0, SHOWN_CHARACTERS) : text)}
      </div>
      {cut ? (
        <p className="mt-2 text-xs text-ink-faint">
          The first {SHOWN_CHARACTERS.toLocaleString('en-US')} of {text.length.toLocaleString('en-US')}{' '}
          characters; the API gives all of it.
        </p>
      ) : null}
    </>
  );
}
