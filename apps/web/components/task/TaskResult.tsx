import { Panel } from '@/components/ui/Panel';
import { TaskProse, TaskText } from '@/components/ui/TaskText';
import type { TaskDetailJson } from '@/lib/wire';

const ARTIFACTS_SHOWN = 20;

/** What the accepted attempt brought. */
export function TaskResult({ result }: { result: TaskDetailJson['result'] }) {
  if (result === null) return null;
  const { output, artifacts, error } = result;
  if (output === null && artifacts.length === 0 && error === null) return null;
  return (
    <Panel id="result" title="Result">
      <div className="space-y-4">
        {error === null ? null : (
          <div>
            <h3 className="text-xs text-bad">Error</h3>
            <div className="mt-1">
              <TaskProse text={error} mono />
            </div>
          </div>
        )}
        {output === null ? null : (
          <div>
            <h3 className="text-xs text-ink-faint">Output</h3>
            <div className="mt-1">
              {typeof output === 'string' ? (
                <TaskProse text={output} mono />
              ) : (
                <TaskProse text={JSON.stringify(output, null, 2)} mono />
              )}
            </div>
          </div>
        )}
        {artifacts.length === 0 ? null : (
          <div>
            <h3 className="text-xs text-ink-faint">Artifacts</h3>
            <ul className="mt-1 space-y-2">
              {artifacts.slice(0, ARTIFACTS_SHOWN).map((artifact, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: artifacts have no identity but their place
                <li key={index}>
                  <details className="rounded-lg border border-line">
                    <summary className="foreign px-3 py-2 text-sm">
                      <TaskText text={artifact.type} />
                      <span className="tabular text-xs text-ink-faint">
                        {' '}
                        · {artifact.content.length.toLocaleString('en-US')} characters
                      </span>
                    </summary>
                    <div className="border-t border-line px-3 py-2">
                      <TaskProse text={artifact.content} mono />
                    </div>
                  </details>
                </li>
              ))}
            </ul>
            {artifacts.length > ARTIFACTS_SHOWN ? (
              <p className="mt-2 text-xs text-ink-faint">and {artifacts.length - ARTIFACTS_SHOWN} more</p>
            ) : null}
          </div>
        )}
      </div>
    </Panel>
  );
}
