-- Why is (not) being dialled. Registered beforehand: rules(outcome, name, rest_us, final), one row for each outcome that
-- counts; for the waterfall also contacts(number). The DNC state is that of changes made since the list was scrubbed.

-- name: latest_run
SELECT max(run_no) FROM (
    SELECT run_no FROM campaign_states WHERE campaign = $campaign
    UNION ALL
    SELECT run_no FROM intents WHERE campaign = $campaign
);

-- The moment of the last record: "now" of a store nobody writes to, also where recorded time is virtual.
-- name: last_us
SELECT coalesce(greatest((SELECT max(at_us) FROM intents), (SELECT max(recorded_us) FROM outcomes),
    (SELECT max(at_us) FROM campaign_states), (SELECT max(at_us) FROM dnc_changes)), 0);

-- name: excluded
SELECT reason, count(*) FROM read_parquet({path}) GROUP BY reason ORDER BY count(*) DESC, reason;

-- name: excluded_row
SELECT reason FROM read_parquet({path}) WHERE source_row = $source_row;

-- name: listed_now
SELECT count(*) FROM (
    SELECT dnc_list FROM dnc_changes
    WHERE number = $number AND list_contains($lists, dnc_list)
    GROUP BY dnc_list HAVING arg_max(added, seq)
);

-- name: attempts
SELECT i.attempt_id, i.at_us, i.zones, o.outcome, o.agent, o.cause, o.ended_us
FROM intents i LEFT JOIN outcomes o USING (attempt_id)
WHERE i.run_no = $run_no AND i.number = $number
ORDER BY i.attempt_id;

-- Attempts of all runs that count against the rolling caps, oldest first.
-- name: counted_at
SELECT i.at_us FROM intents i LEFT JOIN outcomes o USING (attempt_id)
WHERE i.number = $number AND coalesce(o.outcome, 0) NOT IN (13, 14, 15)
ORDER BY i.at_us;

-- Where every dialable contact stands; each is counted once, at the first state that fits.
-- name: standing
WITH tried AS (
    SELECT i.number, bool_or(o.outcome IS NULL) AS in_progress,
        count(*) FILTER (r.outcome IS NOT NULL) AS made,
        arg_max(o.outcome, i.attempt_id) FILTER (r.outcome IS NOT NULL) AS last_outcome,
        arg_max(o.ended_us, i.attempt_id) FILTER (r.outcome IS NOT NULL) AS last_ended_us
    FROM intents i LEFT JOIN outcomes o USING (attempt_id) LEFT JOIN rules r ON r.outcome = o.outcome
    WHERE i.run_no = $run_no
    GROUP BY i.number
), listed AS (
    SELECT DISTINCT number FROM (
        SELECT number FROM dnc_changes WHERE list_contains($lists, dnc_list)
        GROUP BY dnc_list, number HAVING arg_max(added, seq)
    )
), standing AS (
    SELECT CASE
        WHEN t.in_progress THEN 'in progress'
        WHEN r.final THEN 'done: ' || r.name
        WHEN t.made >= $max_attempts THEN 'attempts used up: last ' || r.name
        WHEN l.number IS NOT NULL THEN 'on a do-not-call list since'
        WHEN coalesce(t.made, 0) = 0 THEN 'never tried'
        WHEN t.last_ended_us + r.rest_us > $now_us THEN 'resting'
        ELSE 'due again'
    END AS state
    FROM contacts c
    LEFT JOIN tried t USING (number)
    LEFT JOIN rules r ON r.outcome = t.last_outcome
    LEFT JOIN listed l USING (number)
)
SELECT state, count(*) FROM standing GROUP BY state ORDER BY state;
