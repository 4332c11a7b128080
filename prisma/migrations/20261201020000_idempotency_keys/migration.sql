-- CreateTable
CREATE TABLE "idempotency_keys" (
    "workspace_id" UUID NOT NULL,
    "token_id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "fingerprint" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "status" SMALLINT,
    "body" BYTEA,

    CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("workspace_id","token_id","key")
);

-- CreateIndex
CREATE INDEX "idempotency_keys_created_at_idx" ON "idempotency_keys"("created_at");

-- Written by hand from here on. Why it is done so: docs/decisions/0014-idempotency-keys.md.

ALTER TABLE idempotency_keys
  ADD CONSTRAINT key_length CHECK (length(key) BETWEEN 1 AND 255),
  ADD CONSTRAINT fingerprint_length CHECK (length(fingerprint) = 32),
  ADD CONSTRAINT body_only_of_an_answer CHECK (status IS NOT NULL OR body IS NULL);

-- Takes a key for a call, or says what is known of it. Whoever else is in the middle of the same call is waited for: its
-- row is not visible yet, but in the way. No longer than this, though: a caller that waits holds a connection.
CREATE FUNCTION take_idempotency_key(
  p_workspace uuid, p_token uuid, p_key text, p_fingerprint bytea, p_now timestamptz,
  OUT taken boolean, OUT same boolean, OUT status smallint, OUT body bytea
) LANGUAGE plpgsql SET lock_timeout = '5s' AS $$
DECLARE
  known idempotency_keys%ROWTYPE;
BEGIN
  LOOP
    -- One that is older than a day is as good as gone, whether or not the sweep has come by.
    INSERT INTO idempotency_keys AS held (workspace_id, token_id, key, fingerprint, created_at)
    VALUES (p_workspace, p_token, p_key, p_fingerprint, p_now)
    ON CONFLICT (workspace_id, token_id, key) DO UPDATE
      SET fingerprint = excluded.fingerprint, created_at = excluded.created_at, status = NULL, body = NULL
      WHERE held.created_at <= p_now - interval '24 hours';
    IF FOUND THEN
      taken := true;
      same := true;
      RETURN;
    END IF;
    SELECT * INTO known FROM idempotency_keys held
    WHERE held.workspace_id = p_workspace AND held.token_id = p_token AND held.key = p_key;
    -- Else it was swept between the two statements.
    IF FOUND THEN
      taken := false;
      same := known.fingerprint = p_fingerprint;
      status := known.status;
      body := known.body;
      RETURN;
    END IF;
  END LOOP;
END $$;

-- The first answer is the one that counts, also where two calls that are idempotent by nature were at work at once.
CREATE FUNCTION answer_idempotency_key(
  p_workspace uuid, p_token uuid, p_key text, p_status smallint, p_body bytea,
  OUT status smallint, OUT body bytea
) LANGUAGE plpgsql AS $$
BEGIN
  UPDATE idempotency_keys held SET status = p_status, body = p_body
  WHERE held.workspace_id = p_workspace AND held.token_id = p_token AND held.key = p_key AND held.status IS NULL
  RETURNING held.status, held.body INTO status, body;
  IF FOUND THEN RETURN; END IF;
  SELECT held.status, held.body INTO status, body FROM idempotency_keys held
  WHERE held.workspace_id = p_workspace AND held.token_id = p_token AND held.key = p_key;
END $$;

CREATE FUNCTION forget_idempotency_keys(p_now timestamptz, p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  removed integer;
BEGIN
  DELETE FROM idempotency_keys held
  USING (
    SELECT workspace_id, token_id, key FROM idempotency_keys
    WHERE created_at <= p_now - interval '24 hours'
    ORDER BY created_at LIMIT p_limit FOR UPDATE SKIP LOCKED
  ) old
  WHERE (held.workspace_id, held.token_id, held.key) = (old.workspace_id, old.token_id, old.key);
  GET DIAGNOSTICS removed = ROW_COUNT;
  RETURN removed;
END $$;
