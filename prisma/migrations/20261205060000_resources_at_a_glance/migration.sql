-- As before, and quicker where much is in use or many wait: it is asked of every task that is stepped over. What bears the same name is
-- found by walks of the server's own through the list; only globs that are written in different ways, and begin alike, are held
-- against one another.
CREATE OR REPLACE FUNCTION resources_free(p_task uuid, p_wanted text[], p_owners uuid[], p_uses text[]) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  c_few CONSTANT int := 16;
  -- Those after its own don't bind it.
  v_own int := array_position(p_owners, p_task);
  v_uses text[] := CASE WHEN v_own IS NULL THEN p_uses ELSE p_uses[:v_own - 1] END;
  v_wanted text;
  v_use text;
  v_name text;
  v_alone boolean;
  v_glob text;
  v_fixed text;
BEGIN
  IF coalesce(cardinality(v_uses), 0) = 0 THEN RETURN true; END IF;
  FOREACH v_wanted IN ARRAY p_wanted LOOP
    v_name := substr(v_wanted, strpos(v_wanted, ' ') + 1);
    v_alone := starts_with(v_wanted, 'exclusive ');
    IF 'exclusive ' || v_name = ANY (v_uses) THEN RETURN false; END IF;
    IF v_alone AND 'shared ' || v_name = ANY (v_uses) THEN RETURN false; END IF;
    CONTINUE WHEN NOT starts_with(v_name, 'path:');
    v_glob := substr(v_name, 6);
    -- To begin a query costs as much as a few calls.
    IF cardinality(v_uses) <= c_few THEN
      FOREACH v_use IN ARRAY v_uses LOOP
        IF starts_with(v_use, 'exclusive path:') OR (v_alone AND starts_with(v_use, 'shared path:')) THEN
          IF globs_overlap(v_glob, substr(v_use, strpos(v_use, ' ') + 6)) THEN RETURN false; END IF;
        END IF;
      END LOOP;
      CONTINUE;
    END IF;
    v_fixed := substring(v_glob FROM '^[^*?]*');
    IF EXISTS (
      SELECT FROM (
        SELECT substr(u.use, strpos(u.use, ' ') + 6) AS glob FROM unnest(v_uses) u(use)
        WHERE starts_with(u.use, 'exclusive path:') OR (v_alone AND starts_with(u.use, 'shared path:'))
      ) g
      -- What globs_overlap asks first, without a call.
      WHERE CASE
        WHEN starts_with(v_fixed, rtrim(substring(g.glob FROM '^[^*?]*'), '/'))
          OR starts_with(substring(g.glob FROM '^[^*?]*'), rtrim(v_fixed, '/')) THEN globs_overlap(v_glob, g.glob) END
    ) THEN RETURN false; END IF;
  END LOOP;
  RETURN true;
END $$;
