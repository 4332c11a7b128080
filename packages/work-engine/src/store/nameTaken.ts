import { NeolithError } from '@neolith/contracts';

/** Prisma's P2002, a unique constraint: the name belongs to somebody else. */
export function nameTaken(error: unknown, kind: string, name: string): NeolithError | null {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'P2002') return null;
  return new NeolithError(
    'NAME_TAKEN',
    `The name "${name}" is taken: another ${kind} bears it already. Choose another name`,
    {
      details: { name },
      cause: error,
    },
  );
}
