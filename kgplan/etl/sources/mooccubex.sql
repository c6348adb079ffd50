-- How MOOCCubeX's lines become rows of the plain tables, and what is kept to look ids up in.

-- name: macros
-- A line with a JSON object, and one with two columns and a TAB between them.
CREATE MACRO objects() AS TABLE
    SELECT line, broken_json(line, is_utf8, text) AS reject,
        CASE WHEN reject IS NOT NULL THEN left(text, 1000) END AS record,
        CASE WHEN reject IS NULL THEN text END AS json
    FROM lines;
CREATE MACRO pairs() AS TABLE
    SELECT line, string_split(text, chr(9)) AS cells,
        coalesce(broken_text(is_utf8), CASE WHEN len(cells) <> 2
            THEN reject('broken_row', format('the row has {} columns, 2 are needed', len(cells)))
            END) AS reject,
        CASE WHEN reject IS NOT NULL THEN left(text, 1000) END AS record,
        CASE WHEN reject IS NULL THEN trim(cells[1]) END AS one,
        CASE WHEN reject IS NULL THEN trim(cells[2]) END AS other
    FROM lines;
-- How likely a prediction calls it: [no, yes], or yes alone.
CREATE MACRO likelihood(value) AS
    CASE WHEN number(if(json_type(value) = 'ARRAY', value ->> 1, value ->> '$')) BETWEEN 0 AND 1
        THEN number(if(json_type(value) = 'ARRAY', value ->> 1, value ->> '$')) END;
-- A name that stands for no concept, or for several.
CREATE MACRO unnamed(name_, id_, concepts_) AS
    CASE WHEN id_ IS NOT NULL OR name_ IS NULL THEN NULL
    WHEN concepts_ IS NULL
        THEN reject('unresolved_name', format('no concept is called ''{}''', name_))
    ELSE reject('ambiguous_name', format('{} concepts are called ''{}''', concepts_, name_)) END;
CREATE TABLE concept (concept_id VARCHAR, name VARCHAR, field VARCHAR);
CREATE TABLE copy (told_at BIGINT, video_id VARCHAR, ccid VARCHAR);
CREATE TABLE grouped (exercise_id VARCHAR, problem_id VARCHAR, nth BIGINT);
CREATE TABLE shown (video_id VARCHAR, course_id VARCHAR);
CREATE TABLE film (
    line BIGINT, reject VARCHAR, record VARCHAR, ccid VARCHAR, title VARCHAR, seconds DOUBLE);
CREATE TABLE problem (problem_id VARCHAR);
CREATE TABLE reached (ccid VARCHAR, seconds DOUBLE);
CREATE TABLE pair (
    line BIGINT, reject VARCHAR, record VARCHAR, field VARCHAR, before_name VARCHAR,
    after_name VARCHAR, truth VARCHAR, likely DOUBLE);

-- name: concepts
WITH parsed AS (
    SELECT *, from_json(json, '{"id": "VARCHAR", "name": "VARCHAR"}') AS said FROM objects()
)
SELECT line, reject, record, said.id AS concept_id, said.name AS name FROM parsed ORDER BY line;

-- name: keep_concepts
WITH parsed AS (
    SELECT from_json(json, '{"id": "VARCHAR", "name": "VARCHAR"}') AS said FROM objects()
)
INSERT INTO concept
SELECT said.id, said.name, regexp_extract(said.id, '_([^_]*)$', 1)
FROM parsed WHERE said.id IS NOT NULL;

-- name: courses
WITH parsed AS (
    SELECT *, from_json(json, '{"id": "VARCHAR", "name": "VARCHAR"}') AS said FROM objects()
)
SELECT line, reject, record, said.id AS course_id, said.name AS name FROM parsed ORDER BY line;

-- name: keep_copies
INSERT INTO copy SELECT line, one, other FROM pairs();

-- name: single_copies
CREATE OR REPLACE TABLE copy AS
SELECT min(told_at) AS told_at, video_id, arg_min(ccid, told_at) AS ccid FROM copy
WHERE ccid IS NOT NULL GROUP BY video_id;

-- name: keep_groups
INSERT INTO grouped SELECT one, other, line FROM pairs();

-- name: broken_copies
SELECT count(*), coalesce(min(told_at), 0) FROM copy WHERE ccid IS NULL;

-- name: broken_groups
SELECT count(*), coalesce(min(nth), 0) FROM grouped WHERE problem_id IS NULL;

-- name: keep_shown
WITH parsed AS (
    SELECT from_json(json, '{"id": "VARCHAR", "resource": [{"resource_id": "VARCHAR"}]}') AS said
    FROM objects()
),
single AS (SELECT said.id AS course_id, unnest(said.resource) AS part FROM parsed)
INSERT INTO shown SELECT part.resource_id, course_id FROM single;

-- name: single_shown
CREATE OR REPLACE TABLE shown AS
SELECT video_id, min(course_id) AS course_id FROM shown
GROUP BY video_id HAVING count(DISTINCT course_id) = 1;

-- name: course_items
-- A group of exercises stands for its problems, where these are known.
WITH parsed AS (
    SELECT line, from_json(json, '{"id": "VARCHAR", "resource": [{"resource_type": "VARCHAR",
        "resource_id": "VARCHAR", "titles": ["VARCHAR"]}]}') AS said
    FROM objects()
),
single AS (
    SELECT line, said.id AS course_id, unnest(said.resource) AS part,
        generate_subscripts(said.resource, 1) AS place
    FROM parsed
)
SELECT line, course_id, coalesce(problem_id, ccid, part.resource_id) AS item_id,
    part.resource_type AS kind,
    list_filter(part.titles, lambda title: trim(title) <> '')[-1] AS title
FROM single
LEFT JOIN copy ON copy.video_id = part.resource_id
LEFT JOIN grouped ON exercise_id = part.resource_id
ORDER BY line, place, nth;

-- name: keep_films
-- A video is at least as long as its last subtitle says.
WITH parsed AS (
    SELECT *, from_json(json, '{"ccid": "VARCHAR", "name": "VARCHAR", "end": ["DOUBLE"]}') AS said
    FROM objects()
)
INSERT INTO film
SELECT line, reject, record, said.ccid, said.name, list_max(said."end") FROM parsed;

-- name: keep_reached
WITH parsed AS (
    SELECT from_json(json, '{"seq": [{"video_id": "VARCHAR",
        "segment": [{"end_point": "DOUBLE"}]}]}') AS said
    FROM objects()
),
single AS (SELECT unnest(said.seq) AS visit FROM parsed)
INSERT INTO reached
SELECT coalesce(ccid, visit.video_id) AS film_id,
    max(list_max(list_transform(visit.segment, lambda piece: piece.end_point)))
FROM single LEFT JOIN copy ON copy.video_id = visit.video_id
GROUP BY film_id;

-- name: keep_lengths
-- How long a video is: what its file tells, or the furthest that anyone came.
CREATE TABLE length AS
WITH told AS (SELECT ccid, max(seconds) AS seconds FROM film GROUP BY ccid),
furthest AS (SELECT ccid, max(seconds) AS seconds FROM reached WHERE isfinite(seconds) GROUP BY ccid)
SELECT ccid, coalesce(told.seconds, furthest.seconds) AS seconds
FROM told FULL JOIN furthest USING (ccid)
WHERE coalesce(told.seconds, furthest.seconds) > 0;

-- name: films
SELECT line, reject, record, ccid AS item_id, 'video' AS kind, title, length.seconds AS seconds
FROM film LEFT JOIN length USING (ccid) ORDER BY line;

-- name: other_films
-- Videos that have a copy somewhere, of which nothing is told.
SELECT min(told_at) AS line, ccid AS item_id, 'video' AS kind, any_value(length.seconds) AS seconds
FROM copy LEFT JOIN length USING (ccid)
WHERE ccid NOT IN (SELECT ccid FROM film WHERE ccid IS NOT NULL)
GROUP BY ccid ORDER BY line;

-- name: problems
WITH parsed AS (
    SELECT *, from_json(json, '{"id": "VARCHAR", "title": "VARCHAR"}') AS said FROM objects()
)
SELECT line, reject, record, said.id AS item_id, 'exercise' AS kind, said.title AS title
FROM parsed ORDER BY line;

-- name: keep_problems
WITH parsed AS (SELECT from_json(json, '{"id": "VARCHAR"}') AS said FROM objects())
INSERT INTO problem SELECT said.id FROM parsed WHERE said.id IS NOT NULL;

-- name: other_problems
SELECT min(nth) AS line, problem_id AS item_id, 'exercise' AS kind FROM grouped
WHERE problem_id IS NOT NULL AND problem_id NOT IN (FROM problem)
GROUP BY problem_id ORDER BY line;

-- name: item_concepts
SELECT line, reject, record, other AS item_id, one AS concept_id FROM pairs() ORDER BY line;

-- name: keep_pairs
WITH parsed AS (
    SELECT *, from_json(json, '{"c1": "VARCHAR", "c2": "VARCHAR", "ground_truth": "VARCHAR",
        "text_predict": "JSON", "graph_predict": "JSON"}') AS said
    FROM objects()
)
INSERT INTO pair
SELECT line,
    coalesce(reject, no_text('c1', said.c1), no_text('c2', said.c2),
        CASE WHEN coalesce(said.ground_truth, '-1') NOT IN ('1', '0', '-1')
            THEN reject('broken_row', format('ground_truth is ''{}''; it is 1, 0 or -1',
                said.ground_truth))
        WHEN coalesce(said.ground_truth, '-1') = '-1'
            AND coalesce(likelihood(said.text_predict), likelihood(said.graph_predict)) IS NULL
            THEN reject('broken_row', 'neither prediction is a number from 0 to 1') END),
    coalesce(record, left(json, 1000)), $field, trim(said.c1), trim(said.c2),
    coalesce(said.ground_truth, '-1'),
    list_avg([likelihood(said.text_predict), likelihood(said.graph_predict)])
FROM parsed;

-- name: prerequisites
-- A name stands for the concept of the file's field, or for the only one that is called so.
WITH wanted AS (
    SELECT * FROM pair WHERE reject IS NOT NULL OR truth = '1' OR (truth = '-1' AND likely > 0.5)
),
called AS (
    SELECT name, field, min(concept_id) AS concept_id, count(*) AS n
    FROM concept GROUP BY GROUPING SETS ((name, field), (name))
),
resolved AS (
    SELECT wanted.*,
        coalesce(before_here.concept_id, if(before_any.n = 1, before_any.concept_id, NULL))
            AS before,
        coalesce(after_here.concept_id, if(after_any.n = 1, after_any.concept_id, NULL)) AS after,
        before_any.n AS before_n, after_any.n AS after_n
    FROM wanted
    LEFT JOIN called AS before_here
        ON before_here.name = before_name AND before_here.field = wanted.field
    LEFT JOIN called AS before_any ON before_any.name = before_name AND before_any.field IS NULL
    LEFT JOIN called AS after_here
        ON after_here.name = after_name AND after_here.field = wanted.field
    LEFT JOIN called AS after_any ON after_any.name = after_name AND after_any.field IS NULL
)
SELECT line,
    coalesce(reject, unnamed(before_name, before, before_n), unnamed(after_name, after, after_n))
        AS reject,
    record, before, after, if(truth = '1', 'dependency', 'prediction') AS source,
    if(truth = '1', NULL, likely) AS strength
FROM resolved ORDER BY field, line;

-- name: left_out
SELECT count(*) FILTER (truth = '0'), count(*) FILTER (truth = '-1' AND likely <= 0.5)
FROM pair WHERE reject IS NULL;

-- name: forget_pairs
TRUNCATE pair;

-- name: answers
WITH parsed AS (
    SELECT *, from_json(json, '{"user_id": "VARCHAR", "problem_id": "VARCHAR",
        "is_correct": "VARCHAR", "submit_time": "VARCHAR"}') AS said
    FROM objects()
)
SELECT line, reject, record, said.user_id AS learner_id, said.problem_id AS item_id,
    said.submit_time AS time,
    CASE said.is_correct WHEN 'true' THEN '1' WHEN 'false' THEN '0' ELSE said.is_correct END
        AS score
FROM parsed ORDER BY line;

-- name: views
-- What was played of a video, whatever was played twice; pieces that end before they begin are
-- jumps back.
WITH parsed AS (
    SELECT *, from_json(json, '{"user_id": "VARCHAR", "seq": [{"video_id": "VARCHAR",
        "segment": [{"start_point": "DOUBLE", "end_point": "DOUBLE",
            "local_start_time": "VARCHAR"}]}]}') AS said
    FROM objects()
),
single AS (
    SELECT line, said.user_id AS learner_id,
        coalesce(reject, CASE WHEN coalesce(len(said.seq), 0) = 0
            THEN reject('missing_field', 'seq is absent or empty') END) AS unusable,
        coalesce(record, if(unusable IS NULL, NULL, left(json, 1000))) AS record,
        unnest(if(unusable IS NULL, said.seq, [NULL])) AS visit,
        unnest(if(unusable IS NULL, range(len(said.seq)), [0])) AS nth
    FROM parsed
),
played AS (
    SELECT line, nth, piece.start_point AS begun, piece.end_point AS until,
        max(until) OVER (PARTITION BY line, nth ORDER BY begun, until
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM (SELECT line, nth, unnest(visit.segment) AS piece FROM single)
    WHERE until > begun
),
summed AS (
    SELECT line, nth, sum(greatest(0, until - greatest(begun, coalesce(before, begun)))) AS seconds
    FROM played GROUP BY line, nth
)
SELECT single.line AS line, unusable AS reject, record, learner_id,
    coalesce(copy.ccid, visit.video_id) AS item_id, shown.course_id AS course_id,
    list_min(list_transform(visit.segment, lambda piece: piece.local_start_time)) AS time,
    CASE WHEN visit.segment IS NOT NULL
        THEN least(1, coalesce(summed.seconds, 0) / length.seconds) END AS share
FROM single
LEFT JOIN summed USING (line, nth)
LEFT JOIN copy ON copy.video_id = visit.video_id
LEFT JOIN shown ON shown.video_id = visit.video_id
LEFT JOIN length ON length.ccid = coalesce(copy.ccid, visit.video_id)
ORDER BY line, nth;

-- name: enrolments
-- A course by its number or its id; of lists of different lengths, no time is known.
WITH parsed AS (
    SELECT *, from_json(json, '{"id": "VARCHAR", "course_order": ["VARCHAR"],
        "enroll_time": ["VARCHAR"]}') AS said
    FROM objects()
),
single AS (
    SELECT line, reject, record, said,
        unnest(if(reject IS NULL, range(len(said.course_order)), [0])) AS nth
    FROM parsed
)
SELECT line, reject, record, said.id AS learner_id,
    regexp_replace(trim(said.course_order[nth + 1]), '^(\d+)$', 'C_\1') AS course_id,
    CASE WHEN len(said.enroll_time) = len(said.course_order)
        THEN nullif(trim(said.enroll_time[nth + 1]), '') END AS time
FROM single ORDER BY line, nth
