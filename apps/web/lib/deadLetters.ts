/** How many dead letters a page of the list has. */
export const DEAD_LETTERS_LENGTH = 50;

/** Which dead letters are shown: those of a run, or all; from a place on, or the newest. */
export interface DeadLetterChoice {
  runId: string | null;
  cursor: string | null;
}

const one = (value: string | string[] | undefined) => {
  const given = Array.isArray(value) ? value[0] : value;
  return given === undefined || given === '' || given.length > 200 ? null : given;
};

export function parseDeadLetterChoice(
  parameters: Record<string, string | string[] | undefined>,
): DeadLetterChoice {
  return { runId: one(parameters.run), cursor: one(parameters.cursor) };
}

/** The query of the API. */
export function deadLetterQuery({ runId, cursor }: DeadLetterChoice): URLSearchParams {
  return new URLSearchParams({
    limit: String(DEAD_LETTERS_LENGTH),
    ...(runId === null ? {} : { runId }),
    ...(cursor === null ? {} : { cursor }),
  });
}

/** The address of the page. */
export function deadLettersHref({ runId, cursor }: DeadLetterChoice): string {
  const query = new URLSearchParams({
    ...(runId === null ? {} : { run: runId }),
    ...(cursor === null ? {} : { cursor }),
  });
  return query.size === 0 ? '/dead-letters' : `/dead-letters?${query}`;
}
