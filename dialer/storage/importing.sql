-- Statements of the import of contact lists and number lists. Names in {braces} are filled by importer.py with quoted
-- literals, or with lists of quoted columns; nothing a file contains is ever put into a statement unquoted.

-- name: nanp_number
-- E.164 number of a cleanly written North American number, NULL for anything else. The pattern is `clean_bare` where the
-- region may leave out the country code, `clean_full` elsewhere.
CREATE OR REPLACE TEMP MACRO nanp_number(written) AS
CASE WHEN regexp_full_match(written, {pattern})
    THEN 10000000000 + right(translate(written, ' ().-', ''), 10)::BIGINT
END;

-- name: clean_bare
' *(?:\+?1[ .-]?)?(?:[2-9]\d\d|\([2-9]\d\d\))[ .-]?[2-9]\d\d[ .-]?\d{4} *'

-- name: clean_full
' *\+1[ .-]?(?:[2-9]\d\d|\([2-9]\d\d\))[ .-]?[2-9]\d\d[ .-]?\d{4} *'

-- name: read_csv
-- Every option is given: a guess that differs between two parts of a file would be silent.
read_csv({path}, auto_detect = false, compression = 'none', header = {header}, skip = {skip}, columns = {columns},
    delim = {delimiter}, quote = '"', escape = '"', strict_mode = true)

-- name: stage
-- One row for each row of the file, in its order: the row number is rowid + 1.
CREATE TEMP TABLE staged AS
SELECT {columns} {raw} AS raw, {malformed} AS malformed, nanp_number({raw}) AS clean
FROM {source};

-- name: odd
-- What the clean pattern did not take: left to the phone number library, each text once.
SELECT DISTINCT raw FROM staged
WHERE clean IS NULL AND malformed IS NULL AND trim(raw) <> '';

-- name: numbered
CREATE TEMP VIEW numbered AS
SELECT staged.* EXCLUDE (clean), staged.rowid + 1 AS source_row, coalesce(clean, odd_numbers.number) AS number,
    odd_numbers.reason AS odd_reason
FROM staged LEFT JOIN odd_numbers ON clean IS NULL AND staged.raw = odd_numbers.raw;

-- name: repeats
-- Numbers that stand in several rows, with the row that keeps them.
CREATE TEMP TABLE repeats AS
SELECT number, min(source_row) AS kept_row FROM numbered WHERE number IS NOT NULL GROUP BY number HAVING count(*) > 1;

-- name: judged
-- Each row, with the reason for which it is left out.
CREATE TEMP VIEW judged AS
SELECT numbered.*,
    CASE WHEN malformed IS NOT NULL THEN 'malformed_row'
        WHEN coalesce(trim(raw), '') = '' THEN 'empty_number'
        WHEN odd_reason IS NOT NULL THEN odd_reason
        WHEN kept_row <> source_row THEN 'duplicate'
    END AS reason
FROM numbered LEFT JOIN repeats USING (number);

-- name: write_contacts
-- The file says what it was made from, and where the rows are that are not in it.
COPY (SELECT source_row, number{columns} FROM judged WHERE reason IS NULL)
TO {target} (FORMAT parquet, KV_METADATA {{source: {source}, excluded: {excluded}}});

-- name: write_excluded
-- The text is masked: digits become stars, except in the last two places.
COPY (
    SELECT source_row, reason, number,
        regexp_replace(left(shown, greatest(length(shown) - 2, 0)), '\p{{N}}', '*', 'g') || right(shown, 2) AS raw
    FROM (
        SELECT source_row, reason, number, left(trim(coalesce(malformed, raw, '')), 40) AS shown
        FROM judged WHERE reason IS NOT NULL
    )
    ORDER BY source_row
) TO {target} (FORMAT parquet);

-- name: count_excluded
SELECT reason, count(*) FROM read_parquet({target}) GROUP BY reason ORDER BY reason;

-- name: count_staged
SELECT count(*) FROM staged;

-- name: count_rows
SELECT count(*) FROM read_parquet({target});

-- name: count_reasons
-- Why rows of a number list do not add to it.
SELECT reason, count(*) FROM judged WHERE reason IS NOT NULL GROUP BY reason ORDER BY reason;

-- name: write_numbers
COPY (SELECT DISTINCT number FROM numbered WHERE number IS NOT NULL ORDER BY number) TO {target} (FORMAT parquet);
