import { jsonResponse } from '@/server/http/respond';

export const dynamic = 'force-dynamic';

/** The process answers; whatever its database does, ending it would not help. */
export function GET(): Response {
  return jsonResponse(200, { status: 'ok' });
}
