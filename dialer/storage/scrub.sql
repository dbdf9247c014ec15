-- Statements of the scrub. Names in {braces} are filled by scrub.py with quoted literals, or with lists of quoted columns.

-- name: one_list
SELECT {list_no}::USMALLINT AS list_no, source_row, {numbers}{columns} FROM read_parquet({path})

-- name: everything
-- Every contact of every list; a column that a list does not have is null there.
CREATE TEMP VIEW everything AS {lists};

-- name: filtered
-- Contacts that the campaign does not want. The condition has parameters for whatever an operator wrote.
CREATE TEMP TABLE filtered AS SELECT list_no, source_row, number FROM everything WHERE NOT {condition};

-- name: listed
CREATE TEMP VIEW listed AS SELECT * FROM everything;

-- name: listed_filtered
CREATE TEMP VIEW listed AS SELECT * FROM everything ANTI JOIN filtered USING (list_no, source_row);

-- name: phone
SELECT list_no, source_row, {place}::UTINYINT AS place, number{suffix} AS number, {declared} AS declared_zone
FROM listed WHERE number{suffix} IS NOT NULL

-- name: phones
-- Every number of every contact, where contacts have several.
CREATE TEMP TABLE phones AS {phones};

-- name: on_dnc
-- Only the numbers in question are kept, however long the do-not-call lists are.
CREATE TEMP TABLE on_dnc AS
SELECT DISTINCT number FROM read_parquet({paths}) AS dnc SEMI JOIN {numbers} AS numbers USING (number);

-- name: repeats
-- A list has each number once, so only several lists can repeat one: the first of them keeps it.
CREATE TEMP TABLE repeats AS
SELECT number, min(list_no) AS kept_list FROM {numbers} GROUP BY number HAVING count(*) > 1;

-- name: placed
-- What the zones of a number depend on: the country, the area code, and what the list declares.
CREATE TEMP VIEW placed AS
SELECT *, number BETWEEN 10000000000 AND 19999999999 AS nanp, number // 10000000 % 1000 AS area,
    coalesce({declared}, '') AS declared
FROM {numbers};

-- name: places
SELECT DISTINCT nanp, CASE WHEN nanp THEN area END AS area, declared FROM placed;

-- name: judged
-- Each number with its zone key, or with the reason for which it is left out.
CREATE TEMP VIEW {judged} AS
SELECT placed.*, places.zone_key,
    CASE WHEN NOT nanp THEN 'no_rules'
        WHEN places.zone_key IS NULL THEN 'unknown_zone'
        WHEN kept_list <> list_no THEN 'duplicate'
        WHEN on_dnc.number IS NOT NULL THEN 'dnc'
    END AS reason
FROM placed
LEFT JOIN places USING (area, declared)
LEFT JOIN repeats ON placed.number = repeats.number
LEFT JOIN on_dnc ON placed.number = on_dnc.number;

-- name: gathered
-- The numbers that are left to a contact, in their order.
CREATE TEMP TABLE gathered AS
SELECT list_no, source_row,
    list(struct_pack(number := number, zone_key := zone_key) ORDER BY place) FILTER (reason IS NULL) AS good,
    arg_min(number, place) AS first_number, arg_min(reason, place) AS first_reason
FROM judged_phones GROUP BY list_no, source_row;

-- name: judged_by_phones
-- A contact is left out only if none of its numbers is left, for the reason of the first one.
CREATE TEMP VIEW judged AS
SELECT listed.* REPLACE (coalesce(good[1].number, first_number) AS number), good, good[1].zone_key AS zone_key,
    CASE WHEN good IS NULL THEN first_reason END AS reason
FROM listed JOIN gathered USING (list_no, source_row);

-- name: count_removed
SELECT reason, count(*) FROM judged_phones JOIN gathered USING (list_no, source_row)
WHERE reason IS NOT NULL AND good IS NOT NULL
GROUP BY reason ORDER BY reason;

-- name: mapped
-- What the mapping list says of a contact; its own id says more than a number.
CREATE TEMP TABLE mapped AS
SELECT list_no, source_row, arg_min(agent, (place, row)) AS agent, arg_min(priority, (place, row)) AS priority
FROM (
    SELECT n.list_no, n.source_row, {place} AS place, m.source_row AS row, m.agent, m.priority
    FROM {numbers} AS n JOIN read_parquet({mapping}) AS m USING (number)
    UNION ALL
    SELECT l.list_no, l.source_row, 0, m.source_row, m.agent, m.priority
    FROM listed AS l JOIN read_parquet({mapping}) AS m ON m.unique_id = trim({id})
)
GROUP BY list_no, source_row;

-- name: chosen
-- An agent's name that could not be one is as good as none.
CREATE TEMP VIEW chosen AS
SELECT judged.*, {priority} AS priority,
    CASE WHEN regexp_full_match({agent}, '[a-z0-9][a-z0-9-]{{0,62}}') THEN {agent} END AS agent
FROM judged {mapped}
WHERE reason IS NULL;

-- name: agents
SELECT DISTINCT agent FROM chosen WHERE agent IS NOT NULL ORDER BY agent;

-- name: all_numeric
SELECT coalesce(bool_and(isfinite(try_cast(trim({column}) AS DOUBLE)) IS true), false)
FROM chosen WHERE trim({column}) <> '';

-- name: dialable
SELECT number, zone_key{phones}{agent_key}, source_row, list_no{columns} FROM chosen {agents} ORDER BY {order};

-- name: excluded_rows
SELECT {list_no}::USMALLINT AS list_no, source_row, reason, number FROM read_parquet({path})

-- name: write_excluded
-- What the import left out, and what filter and scrub did.
COPY (
    SELECT names.source_list, list_no, source_row, reason, number
    FROM ({left_out} UNION ALL SELECT list_no, source_row, reason, number FROM judged WHERE reason IS NOT NULL)
    JOIN names USING (list_no)
    ORDER BY list_no, source_row
) TO {target} (FORMAT parquet);

-- name: count_excluded
SELECT reason, count(*) FROM read_parquet({target}) GROUP BY reason ORDER BY reason;

-- name: excluded_filtered
SELECT list_no, source_row, 'filtered' AS reason, number FROM filtered

-- name: count_filter
SELECT count(*), count(*) FILTER ({condition}) FROM everything;
