-- Why is (not) being dialled. The DNC state is that of changes made since the list was scrubbed.
-- Registered beforehand: rules(outcome, name, rest_us, final), one row for each outcome that counts;
-- codes(code, retry_us, do_not_call, callback), one for each disposition of the campaign, retry_us -1 for never;
-- caps(most, window_us); zones_now(zone_key, open); contacts(contact, mapped, number, zone_key, and so on for more).

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

-- name: attempts
SELECT i.attempt_id, i.at_us, i.zones, o.outcome, o.agent, o.cause, o.ended_us, i.number
FROM intents i LEFT JOIN outcomes o USING (attempt_id)
WHERE i.attempt_id BETWEEN $first AND $last
ORDER BY i.attempt_id;

-- Attempts of all runs that count against the rolling caps, oldest first.
-- name: counted_at
SELECT i.at_us FROM intents i LEFT JOIN outcomes o USING (attempt_id)
WHERE i.number = $number AND coalesce(o.outcome, 0) NOT IN (13, 14, 15)
ORDER BY i.at_us;

-- name: phone
SELECT contact, number{suffix} AS number, zone_key{suffix} AS zone_key FROM contacts WHERE number{suffix} > 0

-- name: standing
-- Where contacts stand, each at the first state that fits, with the moment when that may change. Attempt ids from $first
-- to $last are those of the run, or of one contact. Outcomes: 1 connected; 7 invalid and 10 fax are of the number alone.
WITH tried AS (
    SELECT (i.attempt_id >> 16) & 134217727 AS contact, bool_or(o.outcome IS NULL) AS in_progress,
        count(*) FILTER (r.outcome IS NOT NULL) AS made,
        max(i.attempt_id) FILTER (r.outcome IS NOT NULL) AS attempt_id,
        arg_max(o.outcome, i.attempt_id) FILTER (r.outcome IS NOT NULL) AS outcome,
        arg_max(o.ended_us, i.attempt_id) FILTER (r.outcome IS NOT NULL) AS ended_us
    FROM intents i LEFT JOIN outcomes o USING (attempt_id) LEFT JOIN rules r ON r.outcome = o.outcome
    WHERE i.attempt_id BETWEEN $first AND $last
    GROUP BY contact
), skipped AS (
    SELECT (attempt_id >> 16) & 134217727 AS contact, count(*) AS skips, max(attempt_id) AS skip_id,
        arg_max(at_us, attempt_id) AS skipped_us
    FROM skips WHERE attempt_id BETWEEN $first AND $last
    GROUP BY contact
), never AS (
    SELECT DISTINCT (attempt_id >> 16) & 134217727 AS contact
    FROM dispositions JOIN codes USING (code)
    WHERE do_not_call AND attempt_id BETWEEN $first AND $last
), useless AS (
    SELECT DISTINCT (i.attempt_id >> 16) & 134217727 AS contact, i.number
    FROM intents i JOIN outcomes o USING (attempt_id) JOIN rules r ON r.outcome = o.outcome
    WHERE r.final AND o.outcome IN (7, 10) AND i.attempt_id BETWEEN $first AND $last
), against AS (
    SELECT number, true AS listed, false AS busy, false AS capped FROM (
        SELECT number FROM dnc_changes WHERE list_contains($lists, dnc_list)
        GROUP BY dnc_list, number HAVING arg_max(added, seq)
    )
    UNION ALL
    SELECT number, false, true, false FROM intents ANTI JOIN outcomes USING (attempt_id) WHERE run_no <> $run_no
    UNION ALL
    SELECT i.number, false, false, true
    FROM intents i LEFT JOIN outcomes o USING (attempt_id) JOIN caps ON i.at_us > $now_us - caps.window_us
    WHERE coalesce(o.outcome, 0) NOT IN (13, 14, 15)
    GROUP BY i.number, caps.most, caps.window_us HAVING count(*) >= caps.most
), barred AS (
    SELECT number, bool_or(listed) AS listed, bool_or(busy) AS busy, bool_or(capped) AS capped
    FROM against GROUP BY number
), numbers AS (
    SELECT p.contact, count(*) FILTER (u.number IS NULL) AS usable,
        bool_and(coalesce(b.listed, false)) FILTER (u.number IS NULL) AS listed,
        bool_and(coalesce(b.listed OR b.busy, false)) FILTER (u.number IS NULL) AS busy,
        bool_and(coalesce(b.listed OR b.busy OR b.capped, false)) FILTER (u.number IS NULL) AS capped,
        coalesce(bool_or(z.open) FILTER (u.number IS NULL AND b.number IS NULL), false) AS open
    FROM ({phones}) p
    LEFT JOIN useless u ON u.contact = p.contact AND u.number = p.number
    LEFT JOIN barred b ON b.number = p.number
    LEFT JOIN zones_now z ON z.zone_key = p.zone_key
    GROUP BY p.contact
), facts AS (
    SELECT c.contact, c.mapped, n.*, r.name, coalesce(t.in_progress, false) AS in_progress, coalesce(t.made, 0) AS made,
        v.contact IS NOT NULL AS never, coalesce(s.skips, 0) AS skips,
        coalesce(s.skip_id > coalesce(t.attempt_id, 0), false) AS skipped_last,
        coalesce(r.final AND t.outcome IN (7, 10), false) AS useless_last,
        coalesce(t.outcome = 1 AND d.attempt_id IS NULL, false) AS unsaid,
        coalesce(t.outcome = 1 AND k.callback AND d.callback_us > 0, false) AS asked,
        coalesce(t.outcome = 1 AND k.retry_us >= 0 AND t.made < $max_attempts, false) AS wanted,
        coalesce(r.final, false) AS final, d.callback_us, CASE WHEN d.personal THEN d.agent ELSE '' END AS agent,
        k.retry_us, r.rest_us, s.skipped_us, t.ended_us
    FROM contacts c
    JOIN numbers n ON n.contact = c.contact
    LEFT JOIN tried t ON t.contact = c.contact
    LEFT JOIN skipped s ON s.contact = c.contact
    LEFT JOIN never v ON v.contact = c.contact
    LEFT JOIN rules r ON r.outcome = t.outcome
    LEFT JOIN dispositions d ON d.attempt_id = t.attempt_id
    LEFT JOIN codes k ON k.code = d.code
), dated AS (
    SELECT *, CASE
            WHEN skipped_last THEN skipped_us + $rest_us
            WHEN asked THEN callback_us - $early_us
            WHEN wanted THEN ended_us + retry_us
            WHEN useless_last THEN ended_us
            ELSE ended_us + rest_us
        END AS due_us
    FROM facts
)
SELECT contact, CASE
        WHEN in_progress THEN 'in_progress'
        WHEN never THEN 'done'
        WHEN skipped_last AND skips >= $max_skips THEN 'done'
        WHEN unsaid AND $awaits AND ended_us + $patience_us > $now_us THEN 'verdict'
        WHEN usable = 0 THEN 'done'
        WHEN NOT asked AND NOT wanted AND NOT useless_last AND final THEN 'done'
        WHEN NOT asked AND made >= $max_attempts THEN 'used_up'
        WHEN listed THEN 'dnc'
        WHEN due_us > $now_us AND asked AND NOT skipped_last THEN 'callback'
        WHEN due_us > $now_us THEN 'resting'
        WHEN busy THEN 'number_busy'
        WHEN capped THEN 'capped'
        WHEN NOT open THEN 'parked'
        WHEN asked AND agent <> '' AND NOT skipped_last AND callback_us + $wait_us > $now_us THEN 'agent'
        WHEN mapped THEN 'agent'
        WHEN made = 0 AND skips = 0 THEN 'fresh'
        ELSE 'due'
    END AS state,
    CASE
        WHEN never THEN 'do_not_call'
        WHEN skipped_last AND skips >= $max_skips THEN 'skipped'
        WHEN usable = 0 AND NOT unsaid THEN CASE WHEN made = 1 THEN name ELSE 'no_number_left' END
        ELSE name
    END AS detail,
    due_us, skipped_last, asked AND NOT skipped_last AS asked, callback_us, agent, made, skips
FROM dated
