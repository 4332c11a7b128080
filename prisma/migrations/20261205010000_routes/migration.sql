-- CreateTable
CREATE TABLE "attempt_routes" (
    "attempt_id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "route" JSONB NOT NULL,

    CONSTRAINT "attempt_routes_pkey" PRIMARY KEY ("attempt_id")
);
