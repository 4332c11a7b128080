import { RetryByItself } from './RetryByItself';
import { ServerProblem } from './ServerProblem';

/** The page of an engine that refuses: mostly a database that is away. */
export function Refusal({ refusal }: { refusal: { code: string; message: string } }) {
  const away = refusal.code === 'DATABASE_UNAVAILABLE';
  return (
    <>
      <ServerProblem
        title={away ? 'The database does not answer' : 'This page can’t be shown'}
        message={refusal.message}
        command={away ? 'npx neolith status' : null}
      />
      {away ? <RetryByItself /> : null}
    </>
  );
}
