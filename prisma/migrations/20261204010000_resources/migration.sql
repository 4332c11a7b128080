-- What two tasks must not use at once: what tasks declare, what attempts hold, and who waits. Null: nothing, as with all
-- tasks until now; a column without a value takes no room in a row, and adding it rewrites none.
ALTER TABLE "tasks" ADD COLUMN "resources" TEXT[];
ALTER TABLE "ready_tasks" ADD COLUMN "resources" TEXT[];
ALTER TABLE "delayed_tasks" ADD COLUMN "resources" TEXT[];
ALTER TABLE "leases" ADD COLUMN "holds" BOOLEAN NOT NULL DEFAULT false;

-- CreateTable
CREATE TABLE "resource_holds" (
    "attempt_id" UUID NOT NULL,
    "use" TEXT NOT NULL,
    "task_id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "resource_holds_pkey" PRIMARY KEY ("attempt_id","use")
);

-- CreateTable
CREATE TABLE "resource_waits" (
    "task_id" UUID NOT NULL,
    "attempt_id" UUID,
    "workspace_id" UUID NOT NULL,
    "uses" TEXT[],
    "since" TIMESTAMPTZ(3) NOT NULL,
    "binds_until" TIMESTAMPTZ(3),
    "refused_at" TIMESTAMPTZ(3),

    CONSTRAINT "resource_waits_pkey" PRIMARY KEY ("task_id")
);

-- CreateIndex
CREATE INDEX "resource_holds_workspace_id_idx" ON "resource_holds"("workspace_id");

-- CreateIndex
CREATE INDEX "resource_waits_workspace_id_idx" ON "resource_waits"("workspace_id");

-- CreateIndex
CREATE INDEX "ready_tasks_orchestrator_id_workspace_id_task_id_idx" ON "ready_tasks"("orchestrator_id", "workspace_id", "task_id") WHERE (resources IS NOT NULL);

-- Written by hand.
ALTER TABLE "resource_holds" ADD CONSTRAINT "use_is_written_one_way" CHECK (use ~ '^(exclusive|shared) [^\s]+$');
ALTER TABLE "resource_waits" ADD CONSTRAINT "refused_means_asked" CHECK (refused_at IS NULL OR attempt_id IS NOT NULL);
-- Rows live as long as attempts do.
ALTER TABLE "resource_holds" SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
