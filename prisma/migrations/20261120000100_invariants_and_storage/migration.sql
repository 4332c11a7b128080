-- Written by hand: what Prisma's schema language can't say. The rules are those of packages/work-engine/src/domain.

-- Invariants ------------------------------------------------------------------------------------------------------

ALTER TABLE workspaces
  ADD CONSTRAINT priority_weights_fall CHECK (
    cardinality(priority_weights) = 4
    AND priority_weights[1] > priority_weights[2] AND priority_weights[2] > priority_weights[3]
    AND priority_weights[3] > priority_weights[4] AND priority_weights[4] > 0
    AND priority_weights[1] < 'infinity'),
  -- Selection probes by due date within a priority; that is only right while a later due date never scores higher.
  ADD CONSTRAINT deadline_boosts_never_rise CHECK (
    cardinality(deadline_boosts) = 4
    AND deadline_boosts[1] >= deadline_boosts[2] AND deadline_boosts[2] >= deadline_boosts[3]
    AND deadline_boosts[3] >= deadline_boosts[4] AND deadline_boosts[4] >= 1
    AND deadline_boosts[1] < 'infinity');

ALTER TABLE orchestrators
  ADD CONSTRAINT max_concurrent_tasks_positive CHECK (max_concurrent_tasks BETWEEN 1 AND 1000),
  -- A zone that only the server's runtime knows would make every selection fail; the conversion raises an error.
  ADD CONSTRAINT time_zone_known CHECK ((timestamptz '2000-01-01 00:00:00+00' AT TIME ZONE time_zone) IS NOT NULL);

ALTER TABLE tasks
  ADD CONSTRAINT progress_is_a_percentage CHECK (progress BETWEEN 0 AND 100),
  ADD CONSTRAINT max_attempts_positive CHECK (max_attempts BETWEEN 1 AND 100),
  ADD CONSTRAINT timeout_positive CHECK (timeout_seconds > 0),
  ADD CONSTRAINT estimate_positive CHECK (estimate_minutes > 0),
  ADD CONSTRAINT counts_not_negative CHECK (
    attempt_count >= 0 AND failure_count >= 0 AND provider_failure_count >= 0
    AND infrastructure_failure_count >= 0 AND lost_count >= 0),
  ADD CONSTRAINT final_means_finished CHECK ((finished_at IS NOT NULL) = (status IN ('DONE', 'FAILED', 'CANCELLED'))),
  ADD CONSTRAINT running_means_claimed CHECK (status NOT IN ('IN_PROGRESS', 'MERGING') OR (claimed_at IS NOT NULL AND orchestrator_id IS NOT NULL)),
  ADD CONSTRAINT done_is_complete CHECK (status <> 'DONE' OR progress = 100),
  ADD CONSTRAINT reason_only_while_blocked CHECK (blocked_reason IS NULL OR status = 'BLOCKED'),
  ADD CONSTRAINT question_needs_reason CHECK (blocked_question IS NULL OR blocked_reason IS NOT NULL),
  ADD CONSTRAINT not_its_own_parent CHECK (parent_id <> id),
  ADD CONSTRAINT source_is_whole CHECK ((source IS NULL) = (source_id IS NULL)),
  ADD CONSTRAINT text_sizes CHECK (
    char_length(title) BETWEEN 1 AND 300 AND octet_length(description) <= 102400
    AND octet_length(progress_message) <= 2048 AND cardinality(tags) <= 50);

ALTER TABLE task_dependencies
  ADD CONSTRAINT not_its_own_prerequisite CHECK (dependent_id <> prerequisite_id);

ALTER TABLE blocked_tasks
  ADD CONSTRAINT blocked_for_a_reason CHECK (unmet >= 0 AND (unmet > 0 OR reported));

ALTER TABLE leases
  ADD CONSTRAINT expiry_as_leased CHECK ((lease_seconds IS NULL) = (expires_at IS NULL) AND lease_seconds > 0);

ALTER TABLE attempts
  ADD CONSTRAINT ended CHECK (status <> 'RUNNING' AND ended_at >= claimed_at);

ALTER TABLE task_outcomes
  ADD CONSTRAINT outcome_is_final CHECK (status IN ('DONE', 'FAILED', 'CANCELLED'));

ALTER TABLE daemons
  ADD CONSTRAINT slots_positive CHECK (slots BETWEEN 1 AND 1000);

-- Storage ---------------------------------------------------------------------------------------------------------

-- A task's row is rewritten by its claim and by its completion, and no index covers what they change: with room
-- left on the page both are HOT updates. Half of it, for tasks that were made together lie together and are claimed
-- together, and within one transaction nothing is reclaimed. Long texts move out of line early: a rewrite copies little.
ALTER TABLE tasks SET (fillfactor = 50, toast_tuple_target = 512);

-- Renewals and counters are rewritten in place, many times.
ALTER TABLE leases SET (fillfactor = 50);
ALTER TABLE blocked_tasks SET (fillfactor = 75);

-- Queues: rows live briefly, and dead ones lie in front of the next probe. Vacuum them early and often.
ALTER TABLE ready_tasks SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE ready_task_tags SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE delayed_tasks SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE blocked_tasks SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE leases SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
