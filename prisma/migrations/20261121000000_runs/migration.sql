-- CreateEnum
CREATE TYPE "run_status" AS ENUM ('PENDING', 'RUNNING', 'PAUSED', 'QUARANTINED', 'SUCCEEDED', 'FAILED', 'CANCELLED');

-- CreateEnum
CREATE TYPE "wave_mode" AS ENUM ('off', 'strict');

-- CreateEnum
CREATE TYPE "failure_policy" AS ENUM ('continue', 'stop', 'quarantine');

-- CreateEnum
CREATE TYPE "prerequisite_policy" AS ENUM ('block', 'cancel', 'release');

-- DropIndex
DROP INDEX "ready_tasks_orchestrator_id_priority_due_at_created_at_task_idx";

-- AlterTable
ALTER TABLE "delayed_tasks" ADD COLUMN     "run_id" UUID NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000'::uuid;

-- AlterTable
ALTER TABLE "events" ADD COLUMN     "run_id" UUID;

-- AlterTable
ALTER TABLE "leases" ADD COLUMN     "cancel_policy" "prerequisite_policy",
ADD COLUMN     "merging" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "run_id" UUID;

-- AlterTable
ALTER TABLE "ready_task_tags" DROP CONSTRAINT "ready_task_tags_pkey",
ADD COLUMN     "run_id" UUID NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000'::uuid,
ADD CONSTRAINT "ready_task_tags_pkey" PRIMARY KEY ("orchestrator_id", "tag", "run_id", "priority", "due_at", "created_at", "task_id");

-- AlterTable
ALTER TABLE "ready_tasks" ADD COLUMN     "run_id" UUID NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000'::uuid;

-- AlterTable
ALTER TABLE "task_dependencies" ADD COLUMN     "released" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "tasks" ADD COLUMN     "merge_failure_count" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "run_id" UUID,
ADD COLUMN     "wave" INTEGER;

-- CreateTable
CREATE TABLE "runs" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "orchestrator_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "due_at" TIMESTAMPTZ(3),
    "wave_opens_at" TIMESTAMPTZ(3),
    "status" "run_status" NOT NULL DEFAULT 'PENDING',
    "waves" "wave_mode" NOT NULL DEFAULT 'off',
    "failure_policy" "failure_policy" NOT NULL DEFAULT 'quarantine',
    "on_prerequisite_failure" "prerequisite_policy" NOT NULL DEFAULT 'block',
    "merge_stage" BOOLEAN NOT NULL DEFAULT false,
    "max_concurrent_tasks" INTEGER NOT NULL DEFAULT 3,
    "max_concurrent_merges" INTEGER NOT NULL DEFAULT 1,
    "wave_delay_seconds" INTEGER NOT NULL DEFAULT 0,
    "max_agents_per_wave" INTEGER,
    "timeout_seconds" INTEGER,
    "threshold_consecutive" INTEGER NOT NULL DEFAULT 5,
    "threshold_rate" DOUBLE PRECISION NOT NULL DEFAULT 0.5,
    "threshold_min_attempts" INTEGER NOT NULL DEFAULT 10,
    "current_wave" INTEGER NOT NULL DEFAULT 0,
    "blocked" INTEGER NOT NULL DEFAULT 0,
    "todo" INTEGER NOT NULL DEFAULT 0,
    "in_progress" INTEGER NOT NULL DEFAULT 0,
    "merging" INTEGER NOT NULL DEFAULT 0,
    "done" INTEGER NOT NULL DEFAULT 0,
    "failed" INTEGER NOT NULL DEFAULT 0,
    "cancelled" INTEGER NOT NULL DEFAULT 0,
    "failures_in_row" INTEGER NOT NULL DEFAULT 0,
    "attempts_ended" INTEGER NOT NULL DEFAULT 0,
    "attempts_failed" INTEGER NOT NULL DEFAULT 0,
    "name" TEXT NOT NULL,
    "reason" TEXT,
    "source" TEXT,
    "description" TEXT NOT NULL DEFAULT '',
    "metadata" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "runs_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "run_waves" (
    "run_id" UUID NOT NULL,
    "wave" INTEGER NOT NULL,
    "total" INTEGER NOT NULL,
    "live" INTEGER NOT NULL,
    "blocked" INTEGER NOT NULL,

    CONSTRAINT "run_waves_pkey" PRIMARY KEY ("run_id","wave")
);

-- CreateTable
CREATE TABLE "merges" (
    "task_id" UUID NOT NULL,
    "run_id" UUID NOT NULL,
    "attempt_id" UUID NOT NULL,
    "ready_at" TIMESTAMPTZ(3) NOT NULL,
    "granted_at" TIMESTAMPTZ(3),
    "output" JSONB,
    "artifacts" JSONB,
    "metrics" JSONB,

    CONSTRAINT "merges_pkey" PRIMARY KEY ("task_id")
);

-- CreateIndex
CREATE INDEX "runs_workspace_id_id_idx" ON "runs"("workspace_id", "id");

-- CreateIndex
CREATE INDEX "runs_status_idx" ON "runs"("status") WHERE (status = ANY (ARRAY['RUNNING'::run_status, 'PAUSED'::run_status]));

-- CreateIndex
CREATE UNIQUE INDEX "runs_workspace_id_source_key" ON "runs"("workspace_id", "source");

-- CreateIndex
CREATE INDEX "merges_run_id_ready_at_task_id_idx" ON "merges"("run_id", "ready_at", "task_id");

-- CreateIndex
CREATE INDEX "delayed_tasks_run_id_idx" ON "delayed_tasks"("run_id") WHERE (run_id <> '00000000-0000-0000-0000-000000000000'::uuid);

-- CreateIndex
CREATE INDEX "events_run_id_xid_seq_idx" ON "events"("run_id", "xid", "seq") WHERE (run_id IS NOT NULL);

-- CreateIndex
CREATE INDEX "leases_run_id_idx" ON "leases"("run_id") WHERE (run_id IS NOT NULL);

-- CreateIndex
CREATE INDEX "ready_tasks_orchestrator_id_run_id_priority_due_at_created__idx" ON "ready_tasks"("orchestrator_id", "run_id", "priority", "due_at", "created_at", "task_id");

-- CreateIndex
CREATE INDEX "tasks_run_id_wave_idx" ON "tasks"("run_id", "wave") WHERE (run_id IS NOT NULL);

-- AddForeignKey
ALTER TABLE "runs" ADD CONSTRAINT "runs_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspaces"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "runs" ADD CONSTRAINT "runs_orchestrator_id_fkey" FOREIGN KEY ("orchestrator_id") REFERENCES "orchestrators"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "run_waves" ADD CONSTRAINT "run_waves_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "runs"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "runs"("id") ON DELETE RESTRICT ON UPDATE CASCADE;