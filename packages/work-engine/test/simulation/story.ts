import { createHash } from 'node:crypto';

const ID = /\b(?:(ws|user|orch|chan|run|task|att|daemon)_)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b/g;

/**
 * What happened, line by line. Ids differ from one telling to the next, so they are written as ordinals in the order in
 * which they came up: the same story has the same lines, and the same hash.
 */
export class Story {
  readonly lines: string[] = [];
  readonly #names = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  tell(line: string): void {
    this.lines.push(
      line.replace(ID, (_, kind: string | undefined, uuid: string) => this.name(kind ?? 'id', uuid)),
    );
  }

  /** The ordinal of an id, `task_7`; the kind counts where it is named for the first time. */
  name(kind: string, uuid: string): string {
    const known = this.#names.get(uuid);
    if (known !== undefined) return known;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    const name = `${kind}_${count}`;
    this.#names.set(uuid, name);
    return name;
  }

  hash(): string {
    return createHash('sha256').update(this.lines.join('\n')).digest('hex').slice(0, 16);
  }

  tail(count: number): string {
    return this.lines.slice(-count).join('\n');
  }
}
