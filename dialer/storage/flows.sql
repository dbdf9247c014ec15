-- What came of the flows of one run, $run_no.

-- name: results
SELECT result, count(*) FROM flows WHERE run_no = $run_no GROUP BY result ORDER BY result;

-- Digits, recordings and answers by step; every recording has a name of its own and counts as recorded.
-- name: answers
WITH told AS (
    SELECT attempt_id, unnest(json_keys(answers)) AS step, answers FROM flows WHERE run_no = $run_no
), read AS (
    SELECT step, attempt_id, json_extract_string(answers, concat('$."', step, '"')) AS value FROM told
)
SELECT step, CASE WHEN value = concat(attempt_id, '-', step) THEN 'recorded' ELSE value END AS value, count(*)
FROM read GROUP BY ALL ORDER BY ALL;
