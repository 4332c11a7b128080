-- A daemon that was killed says nothing any more: the sweep notes when it fell silent. A heartbeat need not take that
-- back, since a later last_seen_at does.
ALTER TABLE "daemons" ADD COLUMN "lost_at" TIMESTAMPTZ(3);
