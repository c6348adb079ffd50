-- What every source's queries judge rows with. A query reads one file and gives of each row
--   line, item    where the row stands: the line, and its place in a list on that line
--   record        the row as the file has it
--   reject        the reason and, after a space, the detail; NULL where the row is fine so far
--   mends         what was put right in it, words separated by spaces
-- and the columns of a table. Ids and repeats are checked afterwards, the same way for all files.
-- `lines` holds the file being read: line, text, is_utf8, or what the step's own reader gives.
-- Schema `kept` holds the rows that were kept, one table per step.

CREATE MACRO reject(reason_, detail_) AS reason_ || ' ' || detail_;

-- A broken line of text or of JSON objects.
CREATE MACRO broken_text(is_utf8) AS
    CASE WHEN NOT is_utf8 THEN reject('broken_row', 'the line is not UTF-8') END;
CREATE MACRO broken_json(line_, is_utf8, text_) AS coalesce(
    broken_text(is_utf8),
    CASE WHEN NOT json_valid(text_)
        THEN reject('broken_json', format('line {} cannot be read as JSON', line_))
    WHEN json_type(text_) <> 'OBJECT'
        THEN reject('broken_json', format('line {} holds {}, not a JSON object', line_,
            json_type(text_)))
    END);

-- A JSON value as text; NULL for what says nothing (null, NaN, blank) and for lists and objects.
CREATE MACRO plain(value) AS
    CASE WHEN json_type(value) = 'VARCHAR' THEN
        CASE WHEN trim(value ->> '$') <> '' THEN value ->> '$' END
    WHEN json_type(value) IN ('BIGINT', 'UBIGINT', 'DOUBLE') AND value::VARCHAR <> 'NaN'
        THEN value ->> '$'
    END;
CREATE MACRO not_text(field, value) AS
    CASE WHEN json_type(value) IN ('ARRAY', 'OBJECT', 'BOOLEAN')
        THEN reject('broken_row', format('{} holds {}, a text is needed', field,
            json_type(value)))
    END;
CREATE MACRO no_field(field, value) AS
    CASE WHEN plain(value) IS NULL
        THEN reject('missing_field', format('{} is absent or empty', field))
    END;
CREATE MACRO no_text(field, value) AS
    CASE WHEN coalesce(trim(value), '') = ''
        THEN reject('missing_field', format('{} is absent or empty', field))
    END;
-- Ids and names lie in arrays as wide as the longest; NumPy takes a NUL at the end for none.
CREATE MACRO bad_id(field, value, longest) AS
    CASE WHEN length(value) > longest
        THEN reject('broken_row', format('{} has {} characters, {} are allowed', field,
            length(value), longest))
    WHEN regexp_matches(value, '\p{Cc}')
        THEN reject('broken_row', format('{} holds a control character', field))
    END;
CREATE MACRO long_name(field, value, longest) AS
    CASE WHEN length(value) > longest
        THEN reject('broken_row', format('{} has {} characters, {} are allowed', field,
            length(value), longest))
    END;
CREATE MACRO mend_text(value) AS
    CASE WHEN json_type(value) = 'VARCHAR' AND trim(value ->> '$') = '' THEN 'empty_text'
    WHEN value::VARCHAR = 'NaN' THEN 'nan_value'
    END;

-- Numbers and times that arrive as text.
CREATE MACRO number(value) AS
    CASE WHEN value <> 'NaN' AND trim(value) <> '' THEN TRY_CAST(value AS DOUBLE) END;
CREATE MACRO moment(value) AS
    CASE WHEN value[1] BETWEEN '0' AND '9' THEN try_strptime(  -- it would take 'infinity'
        value,
        ['%Y-%m-%d %H:%M:%S', '%Y-%m-%d %H:%M:%S.%f',
            '%Y-%m-%dT%H:%M:%S', '%Y-%m-%dT%H:%M:%S.%f'])
    END;
CREATE MACRO mend_value(value) AS
    CASE WHEN value = 'NaN' THEN 'nan_value' WHEN trim(value) = '' THEN 'empty_text' END;
CREATE MACRO bad_number(field, value, parsed) AS
    CASE WHEN parsed < 0
        THEN reject('impossible_time', format('{} is {}, below 0', field, value))
    WHEN isfinite(parsed) OR value IS NULL OR mend_value(value) IS NOT NULL THEN NULL
    ELSE reject('impossible_time', format('{} is ''{}'', not a number', field, value))
    END;
CREATE MACRO bad_moment(field, value, parsed) AS
    CASE WHEN parsed IS NULL AND value IS NOT NULL AND mend_value(value) IS NULL
        THEN reject('impossible_time', format('{} is ''{}'', not a time', field, value))
    END;
