-- Statements of the store: small, on primary keys. Journal inserts read the registered Arrow table `incoming`.

-- name: has_meta
SELECT count(*) > 0 FROM information_schema.tables WHERE table_name = 'meta';

-- name: table_count
SELECT count(*) FROM information_schema.tables;

-- name: schema_version
SELECT value FROM meta WHERE key = 'schema_version';

-- name: set_schema_version
INSERT INTO meta VALUES ('schema_version', ?) ON CONFLICT DO UPDATE SET value = excluded.value;

-- name: enlist
INSERT INTO actor_epochs VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET epoch = epoch + 1 RETURNING epoch;

-- name: count_up
INSERT INTO counters VALUES (?, 1) ON CONFLICT DO UPDATE SET value = value + 1 RETURNING value;

-- name: put
INSERT INTO catalogue VALUES (?, ?, 1, ?, epoch_us(now()))
ON CONFLICT DO UPDATE SET version = version + 1, doc = excluded.doc, changed_us = excluded.changed_us
RETURNING version;

-- name: get
SELECT doc FROM catalogue WHERE kind = ? AND id = ? AND doc IS NOT NULL;

-- name: all
SELECT id, doc FROM catalogue WHERE kind = ? AND doc IS NOT NULL ORDER BY id;

-- name: delete
UPDATE catalogue SET doc = NULL, version = version + 1, changed_us = epoch_us(now())
WHERE kind = ? AND id = ? AND doc IS NOT NULL
RETURNING id;

-- name: audit_log
INSERT INTO audit_log (at_us, who, what, details) VALUES (epoch_us(now()), ?, ?, ?);

-- name: append_intents
INSERT INTO intents
SELECT attempt_id, attempt_id >> 43, campaign, number, trunk, caller_id, at_us, not_after_us, epoch, rules, zones,
    recent_attempts, version
FROM incoming
ON CONFLICT DO NOTHING;

-- name: append_outcomes
INSERT INTO outcomes
SELECT attempt_id, attempt_id >> 43, outcome, agent, cause, sent_us, answered_us, joined_us, ended_us, recorded_us
FROM incoming
ON CONFLICT DO NOTHING;

-- name: append_dispositions
INSERT INTO dispositions (attempt_id, run_no, agent, code, notes, wrapped_up_us, callback_us, personal)
SELECT attempt_id, attempt_id >> 43, agent, code, notes, wrapped_up_us, callback_us, personal FROM incoming
ON CONFLICT DO NOTHING;

-- name: append_agent_sessions
INSERT INTO agent_sessions (agent, state, at_us, reason) SELECT agent, state, at_us, reason FROM incoming
ON CONFLICT DO NOTHING;

-- name: append_skips
INSERT INTO skips SELECT attempt_id, attempt_id >> 43, agent, at_us FROM incoming ON CONFLICT DO NOTHING;

-- name: append_flows
INSERT INTO flows SELECT attempt_id, attempt_id >> 43, flow, version, step, result, answers, ended_us FROM incoming
ON CONFLICT DO NOTHING;

-- name: append_dnc_changes
INSERT INTO dnc_changes (dnc_list, number, added, at_us, source)
SELECT dnc_list, number, added, at_us, source FROM incoming;

-- name: append_campaign_states
INSERT INTO campaign_states (run_no, campaign, state, at_us, reason)
SELECT run_no, campaign, state, at_us, reason FROM incoming;

-- name: open_intents
SELECT attempt_id, number, at_us, not_after_us
FROM intents ANTI JOIN outcomes USING (attempt_id)
ORDER BY attempt_id;

-- Attempts that count against the rolling caps; 13, 14 and 15 (expired, withdrawn, refused by the trunk) were not made.
-- name: recent
SELECT i.number, i.at_us
FROM intents i LEFT JOIN outcomes o USING (attempt_id)
WHERE i.at_us >= ? AND coalesce(o.outcome, 0) NOT IN (13, 14, 15)
ORDER BY i.at_us, i.attempt_id;

-- name: dnc
SELECT dnc_list, number, added FROM dnc_changes ORDER BY seq;

-- Attempts in a row that reached nobody, by number; those that were not made do not count, whoever answered ends the row.
-- name: failures
WITH made AS (
    SELECT i.number, (o.recorded_us, o.attempt_id) AS moment, o.outcome
    FROM intents i JOIN outcomes o USING (attempt_id)
    WHERE o.outcome NOT IN (13, 14, 15)
), reached AS (
    SELECT number, max(moment) AS moment FROM made WHERE outcome IN (1, 2, 11) GROUP BY number
)
SELECT m.number, count(*)
FROM made m LEFT JOIN reached r USING (number)
WHERE r.moment IS NULL OR m.moment > r.moment
GROUP BY m.number ORDER BY m.number;

-- name: run_closed
SELECT attempt_id, o.outcome, o.ended_us, i.number
FROM outcomes o JOIN intents i USING (attempt_id)
WHERE o.run_no = ? ORDER BY attempt_id;

-- name: run_open
SELECT attempt_id, number, at_us, not_after_us
FROM intents ANTI JOIN outcomes USING (attempt_id)
WHERE run_no = ?
ORDER BY attempt_id;

-- name: run_state
SELECT state FROM campaign_states WHERE run_no = ? ORDER BY seq DESC LIMIT 1;

-- name: run_dispositions
SELECT attempt_id, code, agent, callback_us, personal, wrapped_up_us
FROM dispositions WHERE run_no = ? ORDER BY attempt_id;

-- name: run_skips
SELECT attempt_id, agent, at_us FROM skips WHERE run_no = ? ORDER BY attempt_id;

-- People who answered a campaign since a moment, and how many of them were abandoned; over all its runs.
-- name: answers_since
SELECT count(*), count(*) FILTER (o.outcome = 2)
FROM outcomes o JOIN intents i USING (attempt_id)
WHERE i.campaign = ? AND o.outcome IN (1, 2, 11) AND o.ended_us > ?;
