import { isNeolithError } from '@neolith/contracts';
import type { WorkEngine } from '@neolith/work-engine';
import { isDatabaseTrouble } from '@/server/http/databaseTrouble';
import { requireSession } from '@/server/session';
import { showControls } from './showControls';

/** The title of a page that is named after a thing; where it can't be read the page itself says why. */
export async function titleOf(
  read: (engine: WorkEngine) => Promise<string>,
  otherwise: string,
): Promise<string> {
  try {
    const { engine } = await requireSession();
    return showControls(await read(engine));
  } catch (error) {
    if (isNeolithError(error) || isDatabaseTrouble(error)) return otherwise;
    throw error;
  }
}
