import type { Metadata } from 'next';

export const metadata: Metadata = { title: 'Sign in · Neolith' };

const REASONS = {
  'link-used': 'This sign-in link has been used already, or it is older than 15 minutes.',
  'signed-out': 'You are signed out.',
  expired: 'You are not signed in, or your session has ended.',
} as const;

function sentenceOf(reason: string | string[] | undefined): string {
  return typeof reason === 'string' && Object.hasOwn(REASONS, reason)
    ? REASONS[reason as keyof typeof REASONS]
    : REASONS.expired;
}

export default async function SignedOutPage({
  searchParams,
}: {
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}) {
  const { reason } = await searchParams;
  return (
    <main className="mx-auto flex min-h-screen max-w-md flex-col justify-center gap-4 p-6">
      <h1 className="text-2xl font-semibold">Sign in to Neolith</h1>
      <p>{sentenceOf(reason)}</p>
      <p>On the machine where Neolith runs, ask for a new link and open it here:</p>
      <pre className="rounded-md border p-4">
        <code>npx neolith sign-in</code>
      </pre>
      <p>Each link works once, within 15 minutes.</p>
    </main>
  );
}
