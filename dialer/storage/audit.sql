-- Every promise of the dialer as a query over the records. Nothing here is shared with the dialling path: outcome
-- numbers are written out (12 unknown; 13 expired, 14 withdrawn, 15 refused by the trunk: these three were not dialled),
-- as are the parts of an attempt id (run, 27 bits of contact, 16 bits of try).
-- Each query answers one row: cases looked at, violations, up to three examples as (attempt id or 0, number or 0, text).
-- Registered beforehand: run_docs(run_no, max_attempts), run_hours(run_no, weekday, from_minute, to_minute),
-- run_caps(run_no, max_count, window_us), trunk_limits(trunk, lines, calls_per_s), list_uses(run_no, dnc_list),
-- list_numbers(dnc_list, number, since_us, until_us), local_minutes(zone, utc_minute, weekday, minute),
-- run_docs_with_hours(run_no), run_contacts(run_no, dialable, excluded, listed), run_codes(run_no, code, again, callback,
-- never), run_limits(run_no, campaign, final_connected, over_dials, limit_ratio).

-- name: runs_seen
SELECT DISTINCT run_no, campaign FROM intents ORDER BY ALL;

-- name: trunks_seen
SELECT DISTINCT trunk FROM intents ORDER BY trunk;

-- Of a list's file only the numbers that were ever to be dialled: the list may be far longer.
-- name: numbers_on_list
SELECT DISTINCT $dnc_list AS dnc_list, number::BIGINT AS number, $since_us::BIGINT AS since_us,
    $until_us::BIGINT AS until_us
FROM read_parquet({path}) SEMI JOIN intents USING (number);

-- name: forget
DROP TABLE IF EXISTS temp.dialled;

-- name: prepare
CREATE TEMP TABLE dialled AS
SELECT i.attempt_id, i.run_no, i.campaign, i.number, i.trunk, i.at_us, i.not_after_us, i.zones,
    o.outcome, o.agent, o.sent_us, o.joined_us, o.recorded_us,
    -- a call that may have been made, unknown when: it must have been lawful when it was allowed
    CASE WHEN o.sent_us > 0 THEN o.sent_us ELSE i.at_us END AS called_us,
    CASE WHEN o.ended_us > 0 THEN o.ended_us ELSE o.recorded_us END AS ended_us
FROM intents i JOIN outcomes o USING (attempt_id)
WHERE o.outcome NOT IN (13, 14, 15);

-- name: outcome_has_intent
WITH bad AS (
    SELECT o.attempt_id, coalesce(i.number, 0) AS number,
        CASE WHEN i.attempt_id IS NULL THEN 'outcome without an intent' ELSE 'outcome before its intent' END AS text
    FROM outcomes o LEFT JOIN intents i USING (attempt_id)
    WHERE i.attempt_id IS NULL OR o.recorded_us < i.at_us OR (o.sent_us > 0 AND o.sent_us < i.at_us)
)
SELECT (SELECT count(*) FROM outcomes), (SELECT count(*) FROM bad),
    (SELECT list((attempt_id, number, text)) FROM (SELECT * FROM bad ORDER BY attempt_id LIMIT 3));

-- The tables have keys that promise this, and the audit believes no promise.
-- name: one_record_per_attempt
WITH records AS (
    SELECT attempt_id, 'intents' AS what FROM intents
    UNION ALL
    SELECT attempt_id, 'outcomes' FROM outcomes
    UNION ALL
    SELECT attempt_id, 'dispositions' FROM dispositions
    UNION ALL
    SELECT attempt_id, 'skips' FROM skips
), bad AS (
    SELECT attempt_id, 0::BIGINT AS number, count(*) || ' ' || what AS text
    FROM records GROUP BY attempt_id, what HAVING count(*) > 1
)
SELECT (SELECT count(DISTINCT attempt_id) FROM records), (SELECT count(*) FROM bad),
    (SELECT list((attempt_id, number, text)) FROM (SELECT * FROM bad ORDER BY attempt_id LIMIT 3));

-- name: undialled_never_sent
WITH undialled AS (
    SELECT o.attempt_id, coalesce(i.number, 0) AS number, o.sent_us
    FROM outcomes o LEFT JOIN intents i USING (attempt_id) WHERE o.outcome IN (13, 14, 15)
), bad AS (
    SELECT *, 'was sent, but is not counted' AS text FROM undialled WHERE sent_us > 0
)
SELECT (SELECT count(*) FROM undialled), (SELECT count(*) FROM bad),
    (SELECT list((attempt_id, number, text)) FROM (SELECT * FROM bad ORDER BY attempt_id LIMIT 3));

-- Intents of one microsecond were accepted in an order that is not recorded.
-- name: epochs_monotonic
WITH ordered AS (
    SELECT attempt_id, number, epoch, max(epoch) OVER (
        PARTITION BY run_no ORDER BY at_us RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS reached FROM intents
), bad AS (
    SELECT attempt_id, number, 'epoch ' || epoch || ' after epoch ' || reached AS text
    FROM ordered WHERE epoch < reached
)
SELECT (SELECT count(*) FROM ordered), (SELECT count(*) FROM bad),
    (SELECT list((attempt_id, number, text)) FROM (SELECT * FROM bad ORDER BY attempt_id LIMIT 3));

-- An open intent of a run that is not over is no violation; `open_intents` counts those.
-- name: ended_run_has_outcomes
WITH ended AS (
    SELECT run_no FROM campaign_states GROUP BY run_no HAVING arg_max(state, seq) IN ('completed', 'stopped')
), seen AS (
    SELECT i.attempt_id, i.number FROM intents i SEMI JOIN ended USING (run_no)
), bad AS (
    SELECT *, 'the run has ended, the attempt has no outcome' AS text FROM seen ANTI JOIN outcomes USING (attempt_id)
)
SELECT (SELECT count(*) FROM seen), (SELECT count(*) FROM bad),
    (SELECT list((attempt_id, number, text)) FROM (SELECT * FROM bad ORDER BY attempt_id LIMIT 3));

-- name: open_intents
WITH ended AS (
    SELECT run_no FROM campaign_states GROUP BY run_no HAVING arg_max(state, seq) IN ('completed', 'stopped')
)
SELECT count(*), 0, NULL
FROM (SELECT * FROM intents ANTI JOIN ended USING (run_no)) ANTI JOIN outcomes USING (attempt_id);

-- An open intent holds its number from then on, dialled or not: nobody knows yet.
-- name: one_attempt_per_number
WITH held AS (
    SELECT attempt_id, number, at_us, ended_us FROM dialled
    UNION ALL
    SELECT attempt_id, number, at_us, 9223372036854775807 FROM intents ANTI JOIN outcomes USING (attempt_id)
), bad AS (
    SELECT attempt_id, number, 'number already in flight' AS text FROM (
        SELECT *, max(ended_us) OVER (
            PARTITION BY number ORDER BY at_us, attempt_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS held_until_us FROM held
    ) WHERE at_us < held_until_us
)
SELECT (SELECT count(*) FROM held), (SELECT count(*) FROM bad),
    (SELECT list((attempt_id, number, text)) FROM (SELECT * FROM bad ORDER BY attempt_id LIMIT 3));

-- The moment that counts is that of the intent; how much later the call may leave is the matter of `sent_in_time`. A number
-- is forbidden if the last change before that moment added it, or it was in the list's file then and no change took it off.
-- Of two things in the same microsecond the one in favour of the call came first.
-- name: not_on_dnc
WITH uses AS (
    SELECT d.attempt_id, d.number, d.at_us, u.dnc_list FROM dialled d JOIN list_uses u USING (run_no)
), changed AS (
    SELECT u.attempt_id, u.dnc_list,
        arg_max(c.added, c.seq) FILTER (c.at_us < u.at_us) AS bound,
        bool_or(NOT c.added) FILTER (c.at_us = u.at_us) AS freed
    FROM uses u JOIN dnc_changes c ON c.dnc_list = u.dnc_list AND c.number = u.number
    GROUP BY ALL
), in_file AS (
    SELECT u.attempt_id, u.dnc_list
    FROM uses u JOIN list_numbers n ON n.dnc_list = u.dnc_list AND n.number = u.number
        AND u.at_us > n.since_us AND u.at_us < n.until_us
), bad AS (
    SELECT u.attempt_id, u.number, 'dialled while on list ' || u.dnc_list AS text
    FROM uses u
    LEFT JOIN changed c USING (attempt_id, dnc_list)
    LEFT JOIN in_file f ON f.attempt_id = u.attempt_id AND f.dnc_list = u.dnc_list
    WHERE coalesce(c.bound, f.attempt_id IS NOT NULL) AND NOT coalesce(c.freed, false)
)
SELECT (SELECT count(*) FROM dialled), (SELECT count(DISTINCT attempt_id) FROM bad),
    (SELECT list((attempt_id, number, text)) FROM (SELECT * FROM bad ORDER BY attempt_id LIMIT 3));

-- name: sent_in_time
WITH bad AS (
    SELECT attempt_id, number, 'sent ' || (sent_us - not_after_us) || ' us too late' AS text
    FROM dialled WHERE sent_us > not_after_us
)
SELECT (SELECT count(*) FROM dialled WHERE sent_us > 0), (SELECT count(*) FROM bad),
    (SELECT list((attempt_id, number, text)) FROM (SELECT * FROM bad ORDER BY attempt_id LIMIT 3));

-- name: zone_minutes
SELECT DISTINCT unnest(string_split(zones, '|')) AS zone, called_us // 60000000 AS utc_minute
FROM dialled;

-- 8:00 to 21:00, local time of the called person, half open, in every zone the person may be in (16 CFR 310.4(c)).
-- A zone that could not be read has no local minute, and counts as a violation.
-- name: legal_hours
WITH placed AS (
    SELECT attempt_id, number, called_us // 60000000 AS utc_minute, unnest(string_split(zones, '|')) AS zone
    FROM dialled
), bad AS (
    SELECT p.attempt_id, min(p.number) AS number, 'sent outside 8:00-21:00 in ' || min(p.zone) AS text
    FROM placed p LEFT JOIN local_minutes m ON m.zone = p.zone AND m.utc_minute = p.utc_minute
    WHERE m.minute IS NULL OR m.minute < 480 OR m.minute >= 1260
    GROUP BY p.attempt_id
)
SELECT (SELECT count(*) FROM dialled), (SELECT count(*) FROM bad),
    (SELECT list((attempt_id, number, text)) FROM (SELECT * FROM bad ORDER BY attempt_id LIMIT 3));

-- name: campaign_hours
WITH placed AS (
    SELECT d.attempt_id, d.run_no, d.number, d.called_us // 60000000 AS utc_minute,
        unnest(string_split(d.zones, '|')) AS zone
    FROM dialled d SEMI JOIN run_docs_with_hours USING (run_no)
), allowed AS (
    SELECT p.attempt_id, p.zone, bool_or(coalesce(h.run_no IS NOT NULL, false)) AS open
    FROM placed p
    LEFT JOIN local_minutes m ON m.zone = p.zone AND m.utc_minute = p.utc_minute
    LEFT JOIN run_hours h ON h.run_no = p.run_no AND h.weekday = m.weekday
        AND m.minute >= h.from_minute AND m.minute < h.to_minute
    GROUP BY p.attempt_id, p.zone
), bad AS (
    SELECT a.attempt_id, min(d.number) AS number, 'sent outside the campaign''s hours in ' || min(a.zone) AS text
    FROM allowed a JOIN dialled d USING (attempt_id) WHERE NOT a.open GROUP BY a.attempt_id
)
SELECT (SELECT count(DISTINCT attempt_id) FROM placed), (SELECT count(*) FROM bad),
    (SELECT list((attempt_id, number, text)) FROM (SELECT * FROM bad ORDER BY attempt_id LIMIT 3));

-- A line is held from sent to ended, half open. Unknown outcomes (12) are left out: their end was not seen.
-- name: trunk_lines
WITH calls AS (
    SELECT d.attempt_id, d.number, d.trunk, d.sent_us, d.ended_us, t.lines
    FROM dialled d JOIN trunk_limits t USING (trunk)
    WHERE d.sent_us > 0 AND d.outcome <> 12 AND t.lines IS NOT NULL
), steps AS (
    SELECT attempt_id, number, trunk, lines, sent_us AS at_us, 1 AS step FROM calls
    UNION ALL
    SELECT attempt_id, number, trunk, lines, ended_us, -1 FROM calls
), bad AS (
    SELECT attempt_id, number, in_use || ' lines in use on ' || trunk || ', limit ' || lines AS text FROM (
        SELECT *, sum(step) OVER (PARTITION BY trunk ORDER BY at_us, step, attempt_id ROWS UNBOUNDED PRECEDING) AS in_use
        FROM steps
    ) WHERE step = 1 AND in_use > lines
)
SELECT (SELECT count(*) FROM calls), (SELECT count(*) FROM bad),
    (SELECT list((attempt_id, number, text)) FROM (SELECT * FROM bad ORDER BY attempt_id LIMIT 3));

-- The window is half open: two sends exactly 1 s apart are not in one window.
-- name: trunk_rate
WITH calls AS (
    SELECT d.attempt_id, d.number, d.trunk, t.calls_per_s, count(*) OVER (
        PARTITION BY d.trunk ORDER BY d.sent_us RANGE BETWEEN 999999 PRECEDING AND CURRENT ROW
    ) AS in_second
    FROM dialled d JOIN trunk_limits t USING (trunk)
    WHERE d.sent_us > 0 AND t.calls_per_s IS NOT NULL
), bad AS (
    SELECT attempt_id, number, in_second || ' calls within 1 s on ' || trunk || ', limit ' || calls_per_s AS text
    FROM calls WHERE in_second > calls_per_s
)
SELECT (SELECT count(*) FROM calls), (SELECT count(*) FROM bad),
    (SELECT list((attempt_id, number, text)) FROM (SELECT * FROM bad ORDER BY attempt_id LIMIT 3));

-- name: one_call_per_agent
WITH talks AS (
    SELECT attempt_id, number, agent, joined_us, ended_us FROM dialled WHERE agent <> '' AND joined_us > 0
), bad AS (
    SELECT attempt_id, number, 'agent ' || agent || ' was in another call' AS text FROM (
        SELECT *, max(ended_us) OVER (
            PARTITION BY agent ORDER BY joined_us, attempt_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS held_until_us FROM talks
    ) WHERE joined_us < held_until_us
)
SELECT (SELECT count(*) FROM talks), (SELECT count(*) FROM bad),
    (SELECT list((attempt_id, number, text)) FROM (SELECT * FROM bad ORDER BY attempt_id LIMIT 3));

-- Who asked to be called again is called once more for each time it asked.
-- name: attempts_per_contact
WITH asked AS (
    SELECT d.run_no, (d.attempt_id >> 16) & 134217727 AS contact, count(*) AS callbacks
    FROM dispositions d JOIN run_codes c ON c.run_no = d.run_no AND c.code = d.code
    WHERE c.callback AND d.callback_us > 0
    GROUP BY ALL
), tried AS (
    SELECT d.run_no, (d.attempt_id >> 16) & 134217727 AS contact, count(*) AS made, max(d.attempt_id) AS attempt_id,
        max(d.number) AS number, any_value(r.max_attempts) AS most
    FROM dialled d JOIN run_docs r USING (run_no)
    WHERE r.max_attempts IS NOT NULL
    GROUP BY d.run_no, contact
), bad AS (
    SELECT attempt_id, number, made || ' attempts, limit ' || (most + coalesce(callbacks, 0)) AS text
    FROM tried LEFT JOIN asked USING (run_no, contact) WHERE made > most + coalesce(callbacks, 0)
)
SELECT (SELECT count(*) FROM tried), (SELECT count(*) FROM bad),
    (SELECT list((attempt_id, number, text)) FROM (SELECT * FROM bad ORDER BY attempt_id LIMIT 3));

-- A contact that was connected is dialled again in its run only if the code of that call says so, or it asked for it.
-- name: connected_once
WITH calls AS (
    SELECT attempt_id, run_no, number, (attempt_id >> 16) & 134217727 AS contact, outcome,
        lag(attempt_id) OVER w AS earlier, lag(outcome) OVER w AS earlier_outcome
    FROM dialled WINDOW w AS (PARTITION BY attempt_id >> 16 ORDER BY attempt_id)
), bad AS (
    SELECT c.attempt_id, c.number, 'dialled again after it was connected' AS text
    FROM calls c
    JOIN run_limits r ON r.run_no = c.run_no AND r.final_connected
    LEFT JOIN dispositions d ON d.attempt_id = c.earlier
    LEFT JOIN run_codes k ON k.run_no = c.run_no AND k.code = d.code
    WHERE c.earlier_outcome = 1 AND NOT coalesce(k.again OR (k.callback AND d.callback_us > 0), false)
)
SELECT (SELECT count(*) FROM dialled WHERE outcome = 1), (SELECT count(*) FROM bad),
    (SELECT list((attempt_id, number, text)) FROM (SELECT * FROM bad ORDER BY attempt_id LIMIT 3));

-- Five seconds are what the agent's word may take to the campaign.
-- name: asked_not_to_be_called
WITH asked AS (
    SELECT d.run_no, (d.attempt_id >> 16) & 134217727 AS contact, min(d.wrapped_up_us) AS asked_us
    FROM dispositions d JOIN run_codes c ON c.run_no = d.run_no AND c.code = d.code WHERE c.never
    GROUP BY ALL
), bad AS (
    SELECT d.attempt_id, d.number, 'dialled after it asked not to be called again' AS text
    FROM dialled d JOIN asked a ON a.run_no = d.run_no AND a.contact = (d.attempt_id >> 16) & 134217727
    WHERE d.at_us > a.asked_us + 5000000
)
SELECT (SELECT count(*) FROM asked), (SELECT count(*) FROM bad),
    (SELECT list((attempt_id, number, text)) FROM (SELECT * FROM bad ORDER BY attempt_id LIMIT 3));

-- name: dispositions_of_calls
WITH bad AS (
    SELECT attempt_id, 0::BIGINT AS number, 'disposition of a call that was never to be made' AS text
    FROM dispositions ANTI JOIN intents USING (attempt_id)
)
SELECT (SELECT count(*) FROM dispositions), (SELECT count(*) FROM bad),
    (SELECT list((attempt_id, number, text)) FROM (SELECT * FROM bad ORDER BY attempt_id LIMIT 3));

-- name: skips_are_no_attempts
WITH bad AS (
    SELECT s.attempt_id, i.number, 'skipped, and dialled' AS text FROM skips s JOIN intents i USING (attempt_id)
)
SELECT (SELECT count(*) FROM skips), (SELECT count(*) FROM bad),
    (SELECT list((attempt_id, number, text)) FROM (SELECT * FROM bad ORDER BY attempt_id LIMIT 3));

-- Live answers (1 connected, 2 abandoned, 11 hung up) of the 30 days before the last one, for each campaign that dials
-- more numbers than it has agents (16 CFR 310.4(b)(4)(i)). Fewer than 100 answers are not judged: one is a percent.
-- name: abandonment
WITH limits AS (
    SELECT campaign, arg_max(limit_ratio, run_no) AS limit_ratio FROM run_limits WHERE over_dials GROUP BY campaign
), answers AS (
    SELECT d.campaign, d.outcome, d.ended_us, max(d.ended_us) OVER (PARTITION BY d.campaign) AS until_us
    FROM dialled d SEMI JOIN limits USING (campaign)
    WHERE d.outcome IN (1, 2, 11)
), counted AS (
    SELECT campaign, count(*) AS answers, count(*) FILTER (outcome = 2) AS abandoned
    FROM answers WHERE ended_us > until_us - 2592000000000
    GROUP BY campaign
), bad AS (
    SELECT c.campaign, 'campaign ' || c.campaign || ': ' || abandoned || ' of ' || answers || ' live answers abandoned, limit '
        || round(100 * limit_ratio, 2) || ' %' AS text
    FROM counted c JOIN limits USING (campaign) WHERE answers >= 100 AND abandoned > limit_ratio * answers
)
SELECT coalesce((SELECT sum(answers) FROM counted), 0)::BIGINT, (SELECT count(*) FROM bad),
    (SELECT list((0::BIGINT, 0::BIGINT, text)) FROM (SELECT * FROM bad ORDER BY campaign LIMIT 3));

-- One cap at a time: $max_count in $window_us. The window reaches back over all runs; the run of the attempt sets the cap.
-- name: rolling_cap
WITH counted AS (
    SELECT attempt_id, run_no, number, count(*) OVER (
        PARTITION BY number ORDER BY at_us RANGE BETWEEN $window_us - 1 PRECEDING AND CURRENT ROW
    ) AS made
    FROM dialled
), seen AS (
    SELECT * FROM counted
    SEMI JOIN (SELECT run_no FROM run_caps WHERE max_count = $max_count AND window_us = $window_us) USING (run_no)
), bad AS (
    SELECT attempt_id, number, made || ' attempts within ' || ($window_us // 1000000) || ' s, limit ' || $max_count AS text
    FROM seen WHERE made > $max_count
)
SELECT (SELECT count(*) FROM seen), (SELECT count(*) FROM bad),
    (SELECT list((attempt_id, number, text)) FROM (SELECT * FROM bad ORDER BY attempt_id LIMIT 3));

-- name: rows_accounted_for
WITH bad AS (
    SELECT run_no, 'run ' || run_no || ': ' || coalesce(dialable::VARCHAR, 'unreadable') || ' dialable + '
        || coalesce(excluded::VARCHAR, 'unreadable') || ' excluded, ' || listed || ' rows in the list' AS text
    FROM run_contacts WHERE dialable + excluded IS DISTINCT FROM listed
)
SELECT coalesce((SELECT sum(listed) FROM run_contacts), 0)::BIGINT, (SELECT count(*) FROM bad),
    (SELECT list((0::BIGINT, 0::BIGINT, text)) FROM (SELECT * FROM bad ORDER BY run_no LIMIT 3));
