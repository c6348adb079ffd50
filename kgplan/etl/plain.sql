-- Rows of the plain tables, which lie in the schema `given` as text, judged as judging.sql says.
-- `item` is a row's place among all rows.

-- name: macros
-- A number with a decimal point or comma; "1,000" could be either and is none, nor is "inf".
CREATE MACRO as_number(value) AS
    CASE WHEN regexp_matches(value, '^[+-]?[1-9]\d{0,2}(,\d{3})+$')
        OR NOT regexp_matches(value, '\d') THEN NULL
    ELSE number(CASE WHEN value LIKE '%.%' THEN value ELSE replace(value, ',', '.') END) END;
CREATE MACRO unreadable(value, parsed) AS
    CASE WHEN parsed IS NULL AND value IS NOT NULL THEN 'unreadable_value' END;
CREATE MACRO bad_share(field, value, parsed) AS
    CASE WHEN value IS NOT NULL AND (parsed IS NULL OR NOT parsed BETWEEN 0 AND 1)
        THEN reject('broken_row', format('{} is ''{}'', a number from 0 to 1 is needed', field,
            value))
    END;
CREATE MACRO ambiguous(field, value, n) AS
    CASE WHEN n > 1 THEN reject('ambiguous_name',
        format('{} is ''{}'', the name of {} concepts: give the id', field, value, n)) END;
CREATE MACRO by_name(n) AS CASE WHEN n = 1 THEN 'by_name' END;
-- A time with its zone, without one (then of the session's), or seconds, milli- or microseconds
-- since 1970.
CREATE MACRO instant(value) AS
    CASE WHEN regexp_matches(value, '^\d{9,10}(\.\d+)?$') THEN to_timestamp(value::DOUBLE)
    WHEN regexp_matches(value, '^\d{12,13}(\.\d+)?$') THEN to_timestamp(value::DOUBLE / 1e3)
    WHEN regexp_matches(value, '^\d{15,16}$') THEN to_timestamp(value::DOUBLE / 1e6)
    WHEN regexp_matches(value, '^\d{4}[-/]')
        THEN TRY_CAST(replace(value, '/', '-') AS TIMESTAMPTZ)
    END;
CREATE MACRO to_come(value) AS
    CASE WHEN instant(value) > now() + INTERVAL 1 DAY
        THEN reject('impossible_time', format('time is {}, which is to come', value)) END;
-- Several concepts in a cell stand for a row each, unless a concept is named just so.
CREATE MACRO several(cell) AS
    CASE WHEN cell IN (SELECT concept_id FROM given.concepts) THEN [cell]
    ELSE string_split_regex(cell, '\s*;\s*') END;

-- name: concept_names
-- Concepts by their names, where these are no ids: people write names where ids are a machine's.
SELECT name AS called, min(concept_id) AS meant, count(*) AS n FROM kept.concept
WHERE name NOT IN (SELECT concept_id FROM kept.concept) GROUP BY name;

-- name: complete_items
-- Items of no course at all belong to one.
UPDATE given.items SET course_id = 'course'
WHERE NOT EXISTS (FROM given.items WHERE course_id IS NOT NULL);

-- name: complete_courses
INSERT INTO given.courses BY NAME
SELECT min(nth) AS nth, arg_min(file, nth) AS file, arg_min(line, nth) AS line, course_id
FROM given.items
WHERE course_id IS NOT NULL AND NOT EXISTS (FROM given.courses)
GROUP BY course_id;

-- name: completing
SELECT 'no item names a course: all are of one, "course"'
WHERE EXISTS (FROM given.items)
    AND NOT EXISTS (FROM given.items WHERE course_id IS NOT NULL)
UNION ALL
SELECT 'there is no table of courses: they are those that items name, with ids for names'
WHERE NOT EXISTS (FROM given.courses)
    AND EXISTS (FROM given.items WHERE course_id IS NOT NULL);

-- name: concept
SELECT file, line, nth AS item, record,
    coalesce(reject, no_text('concept_id', concept_id)) AS reject,
    '' AS mends,
    concept_id, coalesce(name, concept_id) AS name, name_en, definition AS explanation, parent
FROM given.concepts;

-- name: broader_concept
WITH single AS (
    SELECT file, line, item, concept_id, unnest(several(parent)) AS parent
    FROM kept.concept WHERE parent IS NOT NULL
)
SELECT file, line, item, NULL::VARCHAR AS record,
    coalesce(ambiguous('parent', parent, n),
        CASE WHEN coalesce(meant, parent) = concept_id
            THEN reject('self_loop', format('''{}'' would be its own parent', parent)) END
        ) AS reject,
    coalesce(by_name(n), '') AS mends,
    coalesce(meant, parent) AS broader_id, concept_id AS narrower_id
FROM single LEFT JOIN concept_names ON called = parent;

-- name: prerequisite
SELECT file, line, nth AS item, record,
    coalesce(reject, no_text('before', before), no_text('after', after),
        ambiguous('before', before, b.n), ambiguous('after', after, a.n),
        CASE WHEN coalesce(b.meant, before) = coalesce(a.meant, after)
            THEN reject('self_loop', format('''{}'' would be its own prerequisite', before)) END,
        CASE WHEN lower(source) NOT IN ('dependency', 'prediction')
            THEN reject('broken_row', format('source is ''{}''; give dependency where people say so'
                ' and prediction where a program does', source)) END,
        bad_share('strength', strength, as_number(strength))) AS reject,
    concat_ws(' ', '', by_name(b.n), by_name(a.n)) AS mends,
    coalesce(b.meant, before) AS before_id, coalesce(a.meant, after) AS after_id,
    coalesce(lower(source), 'dependency') AS source,
    as_number(strength) AS strength, any_of
FROM given.prerequisites LEFT JOIN concept_names b ON b.called = before
LEFT JOIN concept_names a ON a.called = after;

-- name: course
SELECT file, line, nth AS item, record,
    coalesce(reject, no_text('course_id', course_id)) AS reject,
    '' AS mends,
    course_id, coalesce(name, course_id) AS name
FROM given.courses;

-- name: item
WITH kinds AS (
    SELECT * FROM (VALUES
        ('video', 'video'), ('lecture', 'video'), ('audio', 'video'),
        ('exercise', 'exercise'), ('problem', 'exercise'), ('quiz', 'exercise'),
        ('question', 'exercise'), ('test', 'exercise'), ('assignment', 'exercise'),
        ('text', 'text'), ('reading', 'text'), ('html', 'text'), ('page', 'text'),
        ('document', 'text')) AS names(called, kind)
)
SELECT file, line, nth AS item, record,
    coalesce(reject, no_text('item_id', item_id)) AS reject,
    concat_ws(' ', '',
        CASE WHEN given.kind IS NOT NULL AND kinds.kind IS NULL THEN 'other_kind' END,
        unreadable(position, as_number(position)),
        CASE WHEN seconds IS NOT NULL AND NOT coalesce(as_number(seconds) > 0, false)
            THEN 'unreadable_value' END,
        CASE WHEN NOT regexp_matches(url, '^https?://\S+$') THEN 'unusable_url' END) AS mends,
    item_id, course_id, as_number(position) AS position,
    CASE WHEN given.kind IS NULL THEN 'video' ELSE coalesce(kinds.kind, 'text') END AS kind,
    title AS name,
    CASE WHEN as_number(seconds) > 0 THEN as_number(seconds) END AS duration,
    CASE WHEN regexp_matches(url, '^https?://\S+$') THEN url END AS url
FROM given.items AS given LEFT JOIN kinds ON called = lower(given.kind);

-- name: item_concept
WITH single AS (
    SELECT file, line, nth, record, reject, item_id,
        unnest(coalesce(several(concept_id), [''])) AS concept_id
    FROM given.item_concepts
)
SELECT file, line, nth AS item, record,
    coalesce(reject, no_text('item_id', item_id), no_text('concept_id', concept_id),
        ambiguous('concept_id', concept_id, n)) AS reject,
    coalesce(by_name(n), '') AS mends,
    item_id, coalesce(meant, concept_id) AS concept_id
FROM single LEFT JOIN concept_names ON called = concept_id;

-- name: enrolment
SELECT file, line, nth AS item, record,
    coalesce(reject, no_text('learner_id', learner_id), no_text('course_id', course_id),
        bad_moment('time', time, instant(time)), to_come(time)) AS reject,
    '' AS mends,
    learner_id, course_id, instant(time)::TIMESTAMP AS enrolled_at
FROM given.enrolments;

-- name: event
-- Without a course, an event happened in the only one that has the item.
WITH known AS (
    SELECT item_id, min(kind) AS kind,
        CASE WHEN count(course_id) = 1 THEN min(course_id) END AS only_course
    FROM kept.item GROUP BY item_id
)
SELECT file, line, nth AS item, record,
    coalesce(reject, no_text('learner_id', learner_id), no_text('item_id', item_id),
        bad_moment('time', time, instant(time)), to_come(time),
        bad_share('score', score, as_number(score)), bad_share('share', share, as_number(share)),
        CASE WHEN kind = 'exercise' AND score IS NULL
            THEN reject('missing_field', 'score is absent, and the item is an exercise') END
        ) AS reject,
    CASE WHEN kind <> 'exercise' AND score IS NOT NULL THEN 'score_of_view' ELSE '' END AS mends,
    learner_id, given.item_id AS item_id, coalesce(course_id, only_course) AS course_id,
    instant(time)::TIMESTAMP AS started_at,
    CASE WHEN kind = 'exercise' THEN as_number(score) END AS score,
    CASE WHEN kind <> 'exercise' THEN as_number(share) END AS share
FROM given.events AS given LEFT JOIN known USING (item_id);

-- name: table.item
-- What an earlier row says of an item holds.
SELECT item_id, arg_min(kind, item) AS kind, arg_min(name, item) AS name,
    arg_min(duration, item) AS duration, arg_min(url, item) AS url
FROM kept.item GROUP BY item_id;

-- name: table.course_item
SELECT course_id, item_id,
    row_number() OVER (PARTITION BY course_id ORDER BY position NULLS LAST, item) - 1 AS position
FROM kept.item WHERE course_id IS NOT NULL;

-- name: table.course_concept
SELECT DISTINCT course_id, concept_id
FROM kept.item JOIN kept.item_concept USING (item_id) WHERE course_id IS NOT NULL;

-- name: table.prerequisite
-- Groups of alternatives are numbers from 1, in the order of their texts.
SELECT before_id, after_id, source, strength,
    CASE WHEN any_of IS NOT NULL THEN dense_rank() OVER (
        PARTITION BY after_id, any_of IS NULL ORDER BY any_of) END AS any_of
FROM kept.prerequisite;

-- name: table.learner
SELECT learner_id FROM kept.event UNION SELECT learner_id FROM kept.enrolment;

-- name: table.learner_course
-- Who opens what a course has takes it.
SELECT learner_id, course_id, min(since) AS enrolled_at,
    row_number() OVER (
        PARTITION BY learner_id ORDER BY min(since) NULLS LAST, course_id) - 1 AS position
FROM (
    SELECT learner_id, course_id, started_at AS since FROM kept.event WHERE course_id IS NOT NULL
    UNION ALL SELECT learner_id, course_id, enrolled_at FROM kept.enrolment)
GROUP BY learner_id, course_id;

-- name: table.learner_item
-- What is opened without a share was watched whole.
SELECT learner_id, item_id, max(coalesce(share, 1)) AS watched,
    if(bool_or(share IS NOT NULL), 'progress', 'view') AS evidence,
    false AS replayed, min(started_at) AS first_started_at,
    row_number() OVER (
        PARTITION BY learner_id ORDER BY min(started_at) NULLS LAST, min(item), item_id
    ) - 1 AS position
FROM kept.event WHERE score IS NULL GROUP BY learner_id, item_id;

-- name: table.answer
SELECT learner_id, item_id,
    row_number() OVER (PARTITION BY learner_id ORDER BY started_at NULLS LAST, item) - 1
        AS position,
    score, started_at AS answered_at
FROM kept.event WHERE score IS NOT NULL;

-- name: table.watch
SELECT DISTINCT learner_id, course_id, item_id, started_at
FROM kept.event WHERE score IS NULL AND course_id IS NOT NULL AND started_at IS NOT NULL;
