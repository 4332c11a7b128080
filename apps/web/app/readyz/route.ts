import { checkReadiness } from '@/server/health';
import { errorResponse, jsonResponse } from '@/server/http/respond';

export const dynamic = 'force-dynamic';

/** Whether calls can be served now. Asked by probes under any host name, so it tells nothing else. */
export async function GET(request: Request): Promise<Response> {
  try {
    return jsonResponse(200, await checkReadiness());
  } catch (error) {
    return errorResponse(error, request);
  }
}
