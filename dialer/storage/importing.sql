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

-- The same for lists with several numbers in a row. Places are counted from 1.
-- name: phone
SELECT rowid + 1 AS source_row, {place} AS place, raw{suffix} AS raw, clean{suffix} AS clean
FROM staged WHERE malformed IS NULL AND trim(raw{suffix}) <> ''

-- name: cells
CREATE TEMP TABLE cells AS {cells};

-- name: odd_cells
SELECT DISTINCT raw FROM cells WHERE clean IS NULL;

-- name: phones
CREATE TEMP TABLE phones AS
SELECT source_row, place, coalesce(clean, odd_numbers.number) AS number, odd_numbers.reason
FROM cells LEFT JOIN odd_numbers ON clean IS NULL AND cells.raw = odd_numbers.raw;

-- name: owned
-- The numbers of each row that no earlier row has, each once, in the order of the columns.
CREATE TEMP TABLE owned AS
SELECT place_of_all // 16 AS source_row, list(number ORDER BY place_of_all) AS numbers
FROM (
    SELECT number, min(source_row * 16 + place) AS place_of_all FROM phones WHERE number IS NOT NULL GROUP BY number
)
GROUP BY ALL;

-- name: judged_by_phones
CREATE TEMP VIEW judged AS
SELECT staged.*, staged.rowid + 1 AS source_row, numbers, coalesce(numbers[1], first_number) AS number,
    CASE WHEN malformed IS NOT NULL THEN 'malformed_row'
        WHEN numbers IS NOT NULL THEN NULL
        WHEN first_number IS NOT NULL THEN 'duplicate'
        ELSE coalesce(first_reason, 'empty_number')
    END AS reason
FROM staged
LEFT JOIN owned ON owned.source_row = staged.rowid + 1
LEFT JOIN (
    SELECT source_row, arg_min(number, place) AS first_number, arg_min(reason, place) AS first_reason
    FROM phones GROUP BY source_row
) AS firsts ON firsts.source_row = staged.rowid + 1;

-- name: count_bad_phones
SELECT count(*) FROM phones SEMI JOIN owned USING (source_row) WHERE number IS NULL;

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

-- name: mapping
-- A mapping list: rows that say something of a contact that can be found.
CREATE TEMP TABLE mapping AS
SELECT *, CASE WHEN malformed IS NOT NULL OR (agent IS NULL AND priority IS NULL) THEN 'malformed_row'
        WHEN number IS NULL AND unique_id IS NULL THEN coalesce(odd_reason, 'empty_number')
        WHEN row_number() OVER (PARTITION BY number, unique_id ORDER BY source_row) > 1 THEN 'duplicate'
    END AS reason
FROM (
    SELECT source_row, malformed, odd_reason, number, nullif(trim({id}), '') AS unique_id,
        nullif(regexp_extract(lower(trim({agent})), '^[a-z0-9][a-z0-9-]{{0,62}}$'), '') AS agent,
        CASE WHEN isfinite(try_cast(trim({priority}) AS DOUBLE)) THEN try_cast(trim({priority}) AS DOUBLE) END AS priority
    FROM numbered
);

-- name: write_mapping
COPY (SELECT source_row, number, unique_id, agent, priority FROM mapping WHERE reason IS NULL ORDER BY source_row)
TO {target} (FORMAT parquet);

-- name: count_mapping
SELECT reason, count(*) FROM mapping WHERE reason IS NOT NULL GROUP BY reason ORDER BY reason;
