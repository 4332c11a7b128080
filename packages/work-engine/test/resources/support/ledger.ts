import type { Pool } from 'pg';

/**
 * From now on every hold that is entered is checked, by the database and within its transaction, against all others that are
 * held then, also by transactions that are not over: each says in a table what it entered, and when it left.
 */
export async function keepLedger(pool: Pool): Promise<void> {
  await pool.query(`
    CREATE TABLE hold_ledger (n bigserial PRIMARY KEY, attempt_id uuid, use text, entered_at bigint, left_at bigint);
    CREATE SEQUENCE ledger_time;
    -- Entered: the time is taken at the end of the transaction, when what it has is about to be seen by all; left: at the beginning of
    -- being free. The order of the two for one resource must be right, as the next holder enters after it has seen it free.
    CREATE FUNCTION note_entry() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO hold_ledger (attempt_id, use, entered_at) VALUES (NEW.attempt_id, NEW.use, nextval('ledger_time'));
      RETURN NULL;
    END $$;
    CREATE FUNCTION note_leave() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      UPDATE hold_ledger SET left_at = nextval('ledger_time') WHERE attempt_id = OLD.attempt_id AND use = OLD.use;
      RETURN NULL;
    END $$;
    CREATE TRIGGER note_entry AFTER INSERT ON resource_holds FOR EACH ROW EXECUTE FUNCTION note_entry();
    CREATE TRIGGER note_leave AFTER DELETE ON resource_holds FOR EACH ROW EXECUTE FUNCTION note_leave();`);
}

/** Every two holds of different attempts that conflict and were held at one time. */
export async function findConflictsInLedger(
  pool: Pool,
): Promise<{ entries: number; conflicts: { one: string; other: string }[] }> {
  const { rows } = await pool.query<{ n: number }>('SELECT count(*)::int AS n FROM hold_ledger');
  const { rows: conflicts } = await pool.query<{ one: string; other: string }>(`
    SELECT a.use AS one, b.use AS other FROM hold_ledger a JOIN hold_ledger b ON a.n < b.n AND a.attempt_id <> b.attempt_id
    WHERE int8range(a.entered_at, a.left_at) && int8range(b.entered_at, b.left_at) AND uses_conflict(a.use, b.use)`);
  return { entries: rows[0]?.n ?? 0, conflicts };
}
