-- Statements of the scrub. Names in {braces} are filled by scrub.py with quoted literals, or with lists of quoted columns.

-- name: one_list
SELECT {list_no}::USMALLINT AS list_no, source_row, number{columns} FROM read_parquet({path})

-- name: listed
-- Every contact of every list; a column that a list does not have is null there.
CREATE TEMP VIEW listed AS {lists};

-- name: on_dnc
-- Only the numbers in question are kept, however long the do-not-call lists are.
CREATE TEMP TABLE on_dnc AS
SELECT DISTINCT number FROM read_parquet({paths}) AS dnc SEMI JOIN listed USING (number);

-- name: repeats
-- A list has each number once, so only several lists can repeat one: the first of them keeps it.
CREATE TEMP TABLE repeats AS
SELECT number, min(list_no) AS kept_list FROM listed GROUP BY number HAVING count(*) > 1;

-- name: placed
-- What the zones of a contact depend on: the country, the area code, and what the list declares.
CREATE TEMP VIEW placed AS
SELECT *, number BETWEEN 10000000000 AND 19999999999 AS nanp, number // 10000000 % 1000 AS area,
    coalesce({declared}, '') AS declared
FROM listed;

-- name: places
SELECT DISTINCT nanp, CASE WHEN nanp THEN area END AS area, declared FROM placed;

-- name: judged
-- Each contact with its zone key, or with the reason for which it is left out.
CREATE TEMP VIEW judged AS
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

-- name: dialable
SELECT number, zone_key, source_row, list_no{columns} FROM judged WHERE reason IS NULL ORDER BY list_no, source_row;

-- name: excluded_rows
SELECT {list_no}::USMALLINT AS list_no, source_row, reason, number FROM read_parquet({path})

-- name: write_excluded
-- What the import left out, and what the scrub did.
COPY (
    SELECT names.source_list, list_no, source_row, reason, number
    FROM ({imported} UNION ALL SELECT list_no, source_row, reason, number FROM judged WHERE reason IS NOT NULL)
    JOIN names USING (list_no)
    ORDER BY list_no, source_row
) TO {target} (FORMAT parquet);

-- name: count_excluded
SELECT reason, count(*) FROM read_parquet({target}) GROUP BY reason ORDER BY reason;
