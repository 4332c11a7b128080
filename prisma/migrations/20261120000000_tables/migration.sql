-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "orchestrator_status" AS ENUM ('ONLINE', 'BUSY', 'AWAY', 'OFFLINE');

-- CreateEnum
CREATE TYPE "task_priority" AS ENUM ('CRITICAL', 'HIGH', 'MEDIUM', 'LOW');

-- CreateEnum
CREATE TYPE "task_status" AS ENUM ('BLOCKED', 'TODO', 'IN_PROGRESS', 'MERGING', 'DONE', 'FAILED', 'CANCELLED');

-- CreateEnum
CREATE TYPE "attempt_status" AS ENUM ('RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'BLOCKED', 'CANCELLED', 'LOST');

-- CreateEnum
CREATE TYPE "failure_class" AS ENUM ('task', 'agent', 'provider', 'infrastructure');

-- CreateEnum
CREATE TYPE "token_kind" AS ENUM ('ACCESS', 'SIGN_IN', 'SESSION');

-- CreateEnum
CREATE TYPE "daemon_state" AS ENUM ('ACTIVE', 'DRAINING', 'STOPPED');

-- CreateTable
CREATE TABLE "workspaces" (
    "id" UUID NOT NULL,
    "slug" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "priority_weights" DOUBLE PRECISION[] DEFAULT ARRAY[1000, 100, 10, 1]::DOUBLE PRECISION[],
    "deadline_boosts" DOUBLE PRECISION[] DEFAULT ARRAY[10, 5, 2, 1]::DOUBLE PRECISION[],
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "workspaces_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "users" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "email" TEXT,
    "config" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "orchestrators" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "discipline" TEXT NOT NULL,
    "capabilities" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "status" "orchestrator_status" NOT NULL DEFAULT 'OFFLINE',
    "daemon_endpoint" TEXT,
    "max_concurrent_tasks" INTEGER NOT NULL DEFAULT 3,
    "time_zone" TEXT NOT NULL DEFAULT 'UTC',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "orchestrators_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "channels" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "purpose" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "channels_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "tasks" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "orchestrator_id" UUID,
    "channel_id" UUID,
    "parent_id" UUID,
    "source" TEXT,
    "source_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "due_at" TIMESTAMPTZ(3),
    "available_at" TIMESTAMPTZ(3),
    "claimed_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "priority" "task_priority" NOT NULL,
    "status" "task_status" NOT NULL,
    "progress" SMALLINT NOT NULL DEFAULT 0,
    "max_attempts" INTEGER NOT NULL DEFAULT 3,
    "timeout_seconds" INTEGER,
    "estimate_minutes" INTEGER,
    "attempt_count" INTEGER NOT NULL DEFAULT 0,
    "failure_count" INTEGER NOT NULL DEFAULT 0,
    "provider_failure_count" INTEGER NOT NULL DEFAULT 0,
    "infrastructure_failure_count" INTEGER NOT NULL DEFAULT 0,
    "lost_count" INTEGER NOT NULL DEFAULT 0,
    "tags" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "title" TEXT NOT NULL,
    "progress_message" TEXT,
    "blocked_reason" TEXT,
    "blocked_question" TEXT,
    "answer" TEXT,
    "description" TEXT NOT NULL DEFAULT '',
    "acceptance_criteria" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "metadata" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "tasks_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "task_dependencies" (
    "dependent_id" UUID NOT NULL,
    "prerequisite_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "task_dependencies_pkey" PRIMARY KEY ("dependent_id","prerequisite_id")
);

-- CreateTable
CREATE TABLE "ready_tasks" (
    "task_id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "orchestrator_id" UUID,
    "due_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "priority" "task_priority" NOT NULL,
    "tags" TEXT[],

    CONSTRAINT "ready_tasks_pkey" PRIMARY KEY ("task_id")
);

-- CreateTable
CREATE TABLE "ready_task_tags" (
    "orchestrator_id" UUID NOT NULL,
    "tag" TEXT NOT NULL,
    "priority" "task_priority" NOT NULL,
    "due_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "task_id" UUID NOT NULL,

    CONSTRAINT "ready_task_tags_pkey" PRIMARY KEY ("orchestrator_id","tag","priority","due_at","created_at","task_id")
);

-- CreateTable
CREATE TABLE "delayed_tasks" (
    "task_id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "orchestrator_id" UUID,
    "available_at" TIMESTAMPTZ(3) NOT NULL,
    "due_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "priority" "task_priority" NOT NULL,
    "tags" TEXT[],

    CONSTRAINT "delayed_tasks_pkey" PRIMARY KEY ("task_id")
);

-- CreateTable
CREATE TABLE "blocked_tasks" (
    "task_id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "orchestrator_id" UUID,
    "unmet" INTEGER NOT NULL,
    "reported" BOOLEAN NOT NULL DEFAULT false,
    "priority" "task_priority" NOT NULL,

    CONSTRAINT "blocked_tasks_pkey" PRIMARY KEY ("task_id")
);

-- CreateTable
CREATE TABLE "leases" (
    "task_id" UUID NOT NULL,
    "attempt_id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "orchestrator_id" UUID NOT NULL,
    "daemon_id" UUID,
    "claimed_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3),
    "cancel_requested_at" TIMESTAMPTZ(3),
    "number" INTEGER NOT NULL,
    "lease_seconds" INTEGER,
    "agent" TEXT,
    "cancel_reason" TEXT,

    CONSTRAINT "leases_pkey" PRIMARY KEY ("task_id")
);

-- CreateTable
CREATE TABLE "attempts" (
    "id" UUID NOT NULL,
    "task_id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "orchestrator_id" UUID NOT NULL,
    "daemon_id" UUID,
    "claimed_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3) NOT NULL,
    "number" INTEGER NOT NULL,
    "status" "attempt_status" NOT NULL,
    "failure_class" "failure_class",
    "agent" TEXT,
    "error" TEXT,
    "output" JSONB,
    "artifacts" JSONB,
    "metrics" JSONB,

    CONSTRAINT "attempts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "task_outcomes" (
    "task_id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "orchestrator_id" UUID,
    "attempt_id" UUID,
    "finished_at" TIMESTAMPTZ(3) NOT NULL,
    "claimed_at" TIMESTAMPTZ(3),
    "due_at" TIMESTAMPTZ(3),
    "attempts" INTEGER NOT NULL,
    "status" "task_status" NOT NULL,
    "priority" "task_priority" NOT NULL,

    CONSTRAINT "task_outcomes_pkey" PRIMARY KEY ("task_id")
);

-- CreateTable
CREATE TABLE "claim_requests" (
    "orchestrator_id" UUID NOT NULL,
    "request_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "attempt_ids" UUID[],

    CONSTRAINT "claim_requests_pkey" PRIMARY KEY ("orchestrator_id","request_id")
);

-- CreateTable
CREATE TABLE "events" (
    "xid" BIGINT NOT NULL DEFAULT ((pg_current_xact_id())::text)::bigint,
    "seq" BIGSERIAL NOT NULL,
    "workspace_id" UUID NOT NULL,
    "task_id" UUID,
    "attempt_id" UUID,
    "orchestrator_id" UUID,
    "daemon_id" UUID,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "type" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "from" TEXT,
    "to" TEXT,
    "data" JSONB,

    CONSTRAINT "events_pkey" PRIMARY KEY ("xid","seq")
);

-- CreateTable
CREATE TABLE "daemons" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "host" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "state" "daemon_state" NOT NULL DEFAULT 'ACTIVE',
    "slots" INTEGER NOT NULL,
    "agents" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "orchestrator_ids" UUID[] DEFAULT ARRAY[]::UUID[],
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "last_seen_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "daemons_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_tokens" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "kind" "token_kind" NOT NULL,
    "name" TEXT NOT NULL,
    "hash" BYTEA NOT NULL,
    "scopes" TEXT[],
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_tokens_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "workspaces_slug_key" ON "workspaces"("slug");

-- CreateIndex
CREATE INDEX "users_workspace_id_idx" ON "users"("workspace_id");

-- CreateIndex
CREATE UNIQUE INDEX "orchestrators_workspace_id_name_key" ON "orchestrators"("workspace_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "channels_workspace_id_name_key" ON "channels"("workspace_id", "name");

-- CreateIndex
CREATE INDEX "tasks_workspace_id_id_idx" ON "tasks"("workspace_id", "id");

-- CreateIndex
CREATE INDEX "tasks_orchestrator_id_created_at_id_idx" ON "tasks"("orchestrator_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "tasks_parent_id_idx" ON "tasks"("parent_id");

-- CreateIndex
CREATE UNIQUE INDEX "tasks_workspace_id_source_source_id_key" ON "tasks"("workspace_id", "source", "source_id");

-- CreateIndex
CREATE INDEX "task_dependencies_prerequisite_id_dependent_id_idx" ON "task_dependencies"("prerequisite_id", "dependent_id");

-- CreateIndex
CREATE INDEX "ready_tasks_orchestrator_id_priority_due_at_created_at_task_idx" ON "ready_tasks"("orchestrator_id", "priority", "due_at", "created_at", "task_id");

-- CreateIndex
CREATE INDEX "delayed_tasks_orchestrator_id_available_at_idx" ON "delayed_tasks"("orchestrator_id", "available_at");

-- CreateIndex
CREATE INDEX "blocked_tasks_orchestrator_id_priority_idx" ON "blocked_tasks"("orchestrator_id", "priority");

-- CreateIndex
CREATE UNIQUE INDEX "leases_attempt_id_key" ON "leases"("attempt_id");

-- CreateIndex
CREATE INDEX "leases_orchestrator_id_idx" ON "leases"("orchestrator_id");

-- CreateIndex
CREATE INDEX "attempts_task_id_number_idx" ON "attempts"("task_id", "number");

-- CreateIndex
CREATE INDEX "attempts_orchestrator_id_ended_at_id_idx" ON "attempts"("orchestrator_id", "ended_at", "id");

-- CreateIndex
CREATE INDEX "task_outcomes_orchestrator_id_finished_at_idx" ON "task_outcomes"("orchestrator_id", "finished_at");

-- CreateIndex
CREATE INDEX "claim_requests_created_at_idx" ON "claim_requests"("created_at");

-- CreateIndex
CREATE INDEX "events_task_id_seq_idx" ON "events"("task_id", "seq");

-- CreateIndex
CREATE UNIQUE INDEX "daemons_workspace_id_name_key" ON "daemons"("workspace_id", "name");

-- CreateIndex
CREATE INDEX "api_tokens_workspace_id_idx" ON "api_tokens"("workspace_id");

-- AddForeignKey
ALTER TABLE "users" ADD CONSTRAINT "users_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspaces"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "orchestrators" ADD CONSTRAINT "orchestrators_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspaces"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "orchestrators" ADD CONSTRAINT "orchestrators_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "channels" ADD CONSTRAINT "channels_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspaces"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspaces"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_orchestrator_id_fkey" FOREIGN KEY ("orchestrator_id") REFERENCES "orchestrators"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_channel_id_fkey" FOREIGN KEY ("channel_id") REFERENCES "channels"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_parent_id_fkey" FOREIGN KEY ("parent_id") REFERENCES "tasks"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "task_dependencies" ADD CONSTRAINT "task_dependencies_dependent_id_fkey" FOREIGN KEY ("dependent_id") REFERENCES "tasks"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "task_dependencies" ADD CONSTRAINT "task_dependencies_prerequisite_id_fkey" FOREIGN KEY ("prerequisite_id") REFERENCES "tasks"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "daemons" ADD CONSTRAINT "daemons_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspaces"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "api_tokens" ADD CONSTRAINT "api_tokens_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspaces"("id") ON DELETE CASCADE ON UPDATE CASCADE;

