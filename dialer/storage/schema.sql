-- The data directory's tables. Each statement brings the schema from one version to the next; a statement that has
-- been released never changes. Times are BIGINT microseconds since 1970 UTC in the tables, as the machines keep them
-- (exact, cheap to compare, no time zone of the session in between); the views give the same rows with TIMESTAMP, UTC.
-- run_no is stored beside attempt_id (its upper bits), so that one run is found by the column's min-max index.

-- name: version_1
CREATE TABLE meta (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);

CREATE TABLE actor_epochs (
    kind VARCHAR NOT NULL,
    id VARCHAR NOT NULL,
    epoch BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE TABLE counters (name VARCHAR PRIMARY KEY, value BIGINT NOT NULL);

-- A deleted document keeps its row, so that its version never starts again at 1.
CREATE TABLE catalogue (
    kind VARCHAR NOT NULL,
    id VARCHAR NOT NULL,
    version BIGINT NOT NULL,
    doc VARCHAR,
    changed_us BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE SEQUENCE audit_log_seq;
CREATE TABLE audit_log (
    seq BIGINT NOT NULL DEFAULT nextval('audit_log_seq'),
    at_us BIGINT NOT NULL,
    who VARCHAR NOT NULL,
    what VARCHAR NOT NULL,
    details VARCHAR NOT NULL
);

-- The journal.
CREATE TABLE intents (
    attempt_id BIGINT PRIMARY KEY,
    run_no INTEGER NOT NULL,
    campaign VARCHAR NOT NULL,
    number BIGINT NOT NULL,
    trunk VARCHAR NOT NULL,
    caller_id BIGINT NOT NULL,
    at_us BIGINT NOT NULL,
    not_after_us BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    rules VARCHAR NOT NULL,
    zones VARCHAR NOT NULL,
    recent_attempts INTEGER NOT NULL,
    version BIGINT NOT NULL
);
CREATE TABLE outcomes (
    attempt_id BIGINT PRIMARY KEY,
    run_no INTEGER NOT NULL,
    outcome TINYINT NOT NULL,
    agent VARCHAR NOT NULL,
    cause INTEGER NOT NULL,
    sent_us BIGINT NOT NULL,
    answered_us BIGINT NOT NULL,
    joined_us BIGINT NOT NULL,
    ended_us BIGINT NOT NULL,
    recorded_us BIGINT NOT NULL
);
CREATE TABLE dispositions (
    attempt_id BIGINT PRIMARY KEY,
    run_no INTEGER NOT NULL,
    agent VARCHAR NOT NULL,
    code VARCHAR NOT NULL,
    notes VARCHAR NOT NULL,
    wrapped_up_us BIGINT NOT NULL
);
CREATE TABLE agent_sessions (
    agent VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    at_us BIGINT NOT NULL,
    PRIMARY KEY (agent, at_us, state)
);
-- seq keeps the order of changes made in the same microsecond.
CREATE SEQUENCE dnc_changes_seq;
CREATE TABLE dnc_changes (
    seq BIGINT NOT NULL DEFAULT nextval('dnc_changes_seq'),
    dnc_list VARCHAR NOT NULL,
    number BIGINT NOT NULL,
    added BOOLEAN NOT NULL,
    at_us BIGINT NOT NULL,
    source VARCHAR NOT NULL
);
CREATE SEQUENCE campaign_states_seq;
CREATE TABLE campaign_states (
    seq BIGINT NOT NULL DEFAULT nextval('campaign_states_seq'),
    run_no INTEGER NOT NULL,
    campaign VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    at_us BIGINT NOT NULL,
    reason VARCHAR NOT NULL
);

-- For people with a SQL client: an attempt on one line, with times to read.
CREATE VIEW attempts AS
SELECT i.attempt_id, i.run_no, i.campaign, i.number, i.trunk, i.zones, i.rules, o.outcome, o.agent, o.cause, d.code,
    make_timestamp(i.at_us) AS intent_at,
    make_timestamp(nullif(o.sent_us, 0)) AS sent_at,
    make_timestamp(nullif(o.answered_us, 0)) AS answered_at,
    make_timestamp(nullif(o.joined_us, 0)) AS joined_at,
    make_timestamp(nullif(o.ended_us, 0)) AS ended_at,
    make_timestamp(d.wrapped_up_us) AS wrapped_up_at
FROM intents i
LEFT JOIN outcomes o USING (attempt_id)
LEFT JOIN dispositions d USING (attempt_id);

CREATE VIEW dnc_history AS
SELECT seq, dnc_list, number, added, make_timestamp(at_us) AS changed_at, source FROM dnc_changes;

CREATE VIEW agent_history AS
SELECT agent, state, make_timestamp(at_us) AS changed_at FROM agent_sessions;

-- Callbacks and the reasons of breaks; skips of preview dialling; flows. Columns that are added later cannot be NOT NULL.
-- name: version_2
ALTER TABLE dispositions ADD COLUMN callback_us BIGINT DEFAULT 0;
ALTER TABLE dispositions ADD COLUMN personal BOOLEAN DEFAULT false;
ALTER TABLE agent_sessions ADD COLUMN reason VARCHAR DEFAULT '';

-- A contact that was offered and not called: no attempt, so its id is in no other table.
CREATE TABLE skips (
    attempt_id BIGINT PRIMARY KEY,
    run_no INTEGER NOT NULL,
    agent VARCHAR NOT NULL,
    at_us BIGINT NOT NULL
);

CREATE OR REPLACE VIEW agent_history AS
SELECT agent, state, make_timestamp(at_us) AS changed_at, reason FROM agent_sessions;

-- What came of the flow in a call: the last step, the result, and a JSON object of answers by step.
CREATE TABLE flows (
    attempt_id BIGINT PRIMARY KEY,
    run_no INTEGER NOT NULL,
    flow VARCHAR NOT NULL,
    version BIGINT NOT NULL,
    step VARCHAR NOT NULL,
    result VARCHAR NOT NULL,
    answers VARCHAR NOT NULL,
    ended_us BIGINT NOT NULL
);
