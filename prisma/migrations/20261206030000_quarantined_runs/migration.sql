-- How many runs wait for a person is asked with every scrape: few of very many.
CREATE INDEX "runs_quarantined_idx" ON "runs" ("workspace_id") WHERE (status = 'QUARANTINED'::run_status);
