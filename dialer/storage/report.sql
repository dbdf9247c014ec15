-- The report of one run, $run_no, from the journal alone.
-- Outcomes: 1 connected, 2 abandoned, 11 hung up are live answers; 13, 14, 15 were not dialled and are not counted.

-- name: known
SELECT count(*) FROM (
    (SELECT run_no FROM intents WHERE run_no = $run_no LIMIT 1)
    UNION ALL
    (SELECT run_no FROM campaign_states WHERE run_no = $run_no LIMIT 1)
);

-- name: outcomes
SELECT outcome, count(*) FROM outcomes WHERE run_no = $run_no GROUP BY outcome ORDER BY outcome;

-- name: open
SELECT count(*) FROM (SELECT attempt_id FROM intents WHERE run_no = $run_no) ANTI JOIN outcomes USING (attempt_id);

-- name: header
SELECT coalesce(
        (SELECT any_value(campaign) FROM campaign_states WHERE run_no = $run_no),
        (SELECT any_value(campaign) FROM intents WHERE run_no = $run_no)
    ),
    (SELECT arg_max(state, seq) FROM campaign_states WHERE run_no = $run_no);

-- From the first record of the run to its end: the final state if there is one, else the last end of a call.
-- name: span
SELECT
    least((SELECT min(at_us) FROM campaign_states WHERE run_no = $run_no),
          (SELECT min(at_us) FROM intents WHERE run_no = $run_no)),
    greatest((SELECT max(at_us) FROM campaign_states WHERE run_no = $run_no),
             (SELECT max(at_us) FROM intents WHERE run_no = $run_no),
             (SELECT max(ended_us) FROM outcomes WHERE run_no = $run_no));

-- name: sent
SELECT count(*) FROM outcomes WHERE run_no = $run_no AND sent_us > 0;

-- name: answer_to_agent_us
SELECT coalesce(quantile_cont(joined_us - answered_us, 0.5), 0),
    coalesce(quantile_cont(joined_us - answered_us, 0.99), 0),
    coalesce(max(joined_us - answered_us), 0)
FROM outcomes
WHERE run_no = $run_no AND agent <> '' AND answered_us > 0 AND joined_us > 0;

-- The run's staff: who took one of its calls, and, if anybody did, who was at hand between $from_us and $until_us and
-- took no call of any run in that time. Busy time counts all their calls; all times are clipped to the span.
-- name: staff
WITH sessions AS (
    SELECT agent, state, at_us AS start_us,
        coalesce(lead(at_us) OVER (PARTITION BY agent ORDER BY at_us, state), $until_us) AS end_us
    FROM agent_sessions
), staffed AS (
    SELECT agent, sum(least(end_us, $until_us) - greatest(start_us, $from_us)) AS staffed_us
    FROM sessions
    WHERE state NOT IN ('offline', 'break') AND end_us > $from_us AND start_us < $until_us
    GROUP BY agent
), calls AS (
    SELECT o.agent, o.run_no,
        greatest(least(o.ended_us, $until_us) - greatest(o.joined_us, $from_us), 0) AS talk_us,
        CASE WHEN d.wrapped_up_us IS NULL THEN 0  -- least() would skip the null
            ELSE greatest(least(d.wrapped_up_us, $until_us) - greatest(o.ended_us, $from_us), 0) END AS wrap_up_us
    FROM outcomes o LEFT JOIN dispositions d USING (attempt_id)
    WHERE o.agent <> '' AND o.joined_us > 0 AND o.joined_us < $until_us
        AND greatest(o.ended_us, coalesce(d.wrapped_up_us, 0)) > $from_us
), busy AS (
    SELECT agent, sum(talk_us + wrap_up_us) AS busy_us, bool_or(run_no = $run_no) AS ours
    FROM calls GROUP BY agent
)
SELECT count(*), coalesce(sum(busy_us), 0)::BIGINT, coalesce(sum(staffed_us), 0)::BIGINT
FROM (SELECT agent, busy_us, staffed_us, ours FROM busy FULL JOIN staffed USING (agent))
WHERE coalesce(ours, busy_us IS NULL) AND (SELECT coalesce(bool_or(ours), false) FROM busy);

-- Counted attempts by the time they were sent, or accepted where it is not known that they were.
-- name: timeline
SELECT at_us // $bucket_us * $bucket_us, count(*), count(*) FILTER (outcome = 1), count(*) FILTER (outcome = 2)
FROM (
    SELECT CASE WHEN o.sent_us > 0 THEN o.sent_us ELSE i.at_us END AS at_us, o.outcome
    FROM outcomes o JOIN intents i USING (attempt_id)
    WHERE o.run_no = $run_no AND o.outcome NOT IN (13, 14, 15)
)
GROUP BY ALL ORDER BY ALL;

-- Calls with a person on the line: from the join, or from the answer where a flow took it.
-- name: talk
SELECT count(*), coalesce(sum(ended_us - CASE WHEN joined_us > 0 THEN joined_us ELSE answered_us END), 0)::BIGINT
FROM outcomes WHERE run_no = $run_no AND outcome = 1 AND greatest(joined_us, answered_us) > 0;

-- name: dispositions
SELECT code, count(*) FROM dispositions WHERE run_no = $run_no GROUP BY code ORDER BY code;

-- How far each try goes: the first, second and later counted attempts of contacts.
-- name: by_attempt
SELECT attempt, count(*), count(*) FILTER (outcome = 1)
FROM (
    SELECT outcome, row_number() OVER (PARTITION BY attempt_id >> 16 ORDER BY attempt_id) AS attempt
    FROM outcomes WHERE run_no = $run_no AND outcome NOT IN (13, 14, 15)
)
GROUP BY attempt ORDER BY attempt;

-- name: skips
SELECT count(*), count(DISTINCT attempt_id >> 16) FROM skips WHERE run_no = $run_no;

-- name: last_run
SELECT max(run_no) FROM (
    SELECT run_no FROM campaign_states WHERE campaign = $campaign
    UNION ALL
    SELECT run_no FROM intents WHERE campaign = $campaign
);
