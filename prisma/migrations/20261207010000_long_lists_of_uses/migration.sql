-- As before, but a long list is asked without a regular expression for each use in it: with 1,000 in use that was most of the cost.
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
  v_kind text;
  v_begin text;
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
    FOREACH v_kind IN ARRAY CASE WHEN v_alone THEN ARRAY['exclusive path:', 'shared path:'] ELSE ARRAY['exclusive path:'] END LOOP
      v_begin := v_kind || split_part(split_part(v_glob, '*', 1), '?', 1);
      IF EXISTS (
        SELECT FROM unnest(v_uses) u(use)
        -- What globs_overlap asks first, without a call.
        WHERE starts_with(u.use, v_kind) AND CASE
          WHEN starts_with(u.use, v_begin) OR starts_with(v_begin, rtrim(split_part(split_part(u.use, '*', 1), '?', 1), '/'))
          THEN globs_overlap(v_glob, substr(u.use, length(v_kind) + 1)) END
      ) THEN RETURN false; END IF;
    END LOOP;
  END LOOP;
  RETURN true;
END $$;
