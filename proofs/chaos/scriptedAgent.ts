import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What the agents themselves wrote down about a task, beside the engine: ids of attempts, in order. */
export interface Effects {
  readonly started: readonly string[];
  readonly ended: readonly string[];
}

export interface ScriptedAgent {
  /** For `--shell-command`. */
  readonly command: string;
  readEffects(): Promise<Map<string, Effects>>;
}

/** What a task's file says in the end. */
export function writeContent(title: string): string {
  return `${title} is done\n`;
}

/**
 * An agent that costs next to nothing: it writes one file named by its task. By chance, which is the task's and the
 * attempt's alone, it is killed before it has begun or when half is written, or says that it failed; never at its fourth try.
 */
export async function writeScriptedAgent(directory: string): Promise<ScriptedAgent> {
  const effects = join(directory, 'effects');
  await mkdir(effects);
  const file = join(directory, 'agent.sh');
  await writeFile(
    file,
    `effects=${effects}/$NEOLITH_TASK_ID
title=$(grep -o '"title": *"Chaos [0-9]*"' "$NEOLITH_CONTEXT_FILE" | head -n 1 | cut -d '"' -f 4)
number=$(grep -c started "$effects" 2>/dev/null) || number=0
echo "started $NEOLITH_ATTEMPT_ID" >> "$effects"
draw=$(printf '%s %s' "$NEOLITH_TASK_ID" "$number" | cksum | cut -d ' ' -f 1)
[ "$number" -ge 3 ] && chance=99 || chance=$((draw % 100))
[ $chance -lt 4 ] && kill -KILL $$
sleep 0.$((draw % 8 + 1))
mkdir -p work
printf 'half of it' > "work/$NEOLITH_TASK_ID"
[ $chance -lt 7 ] && kill -KILL $$
[ $chance -lt 12 ] && { echo 'this time it did not work' >&2; exit 1; }
echo "$title is done" > "work/$NEOLITH_TASK_ID"
echo "::neolith {\\"output\\": {\\"title\\": \\"$title\\"}}"
echo "ended $NEOLITH_ATTEMPT_ID" >> "$effects"
`,
  );
  return {
    command: `exec /bin/sh ${file}`,
    async readEffects() {
      const found = new Map<string, Effects>();
      for (const taskId of await readdir(effects)) {
        const lines = (await readFile(join(effects, taskId), 'utf8')).trim().split('\n');
        const of = (word: string) =>
          lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
        found.set(taskId, { started: of('started'), ended: of('ended') });
      }
      return found;
    },
  };
}
