/** What was done, refused and injected over all stories; without it a simulation could pass by doing nothing. */
export class Tally {
  readonly done = new Map<string, number>();
  readonly refused = new Map<string, number>();
  readonly faults = new Map<string, number>();
  readonly events = new Map<string, number>();
  /** Refusals by their code. */
  readonly codes = new Map<string, number>();
  steps = 0;
  stories = 0;

  count(of: Map<string, number>, name: string, by = 1): void {
    of.set(name, (of.get(name) ?? 0) + by);
  }

  print(): string {
    const line = (name: string, of: ReadonlyMap<string, number>) =>
      `${name}: ${[...of]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, count]) => `${key} ${count}`)
        .join(', ')}`;
    return [
      `${this.stories} stories, ${this.steps} steps`,
      line('done', this.done),
      line('refused', this.refused),
      line('refusals', this.codes),
      line('faults', this.faults),
      line('events', this.events),
    ].join('\n');
  }
}
