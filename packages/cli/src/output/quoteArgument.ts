const PLAIN = /^[A-Za-z0-9_./:@%+=,-]+$/;

/** An argument as it is typed into a shell, so that a command that we print can be pasted. Pure. */
export function quoteArgument(argument: string): string {
  return PLAIN.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
