-- How rows of MOOCCube's files are judged where that is more than its fields' names, with what
-- etl/judging.sql gives; and the queries table.*, which build tables from the rows that were kept.

-- name: activities
-- user_video_act.json: one row per activity; one row for a line that has none to give.
WITH parsed AS (
    SELECT line, text, broken_json(line, is_utf8, text) AS broken,
        CASE WHEN broken IS NULL
            THEN from_json(text, '{"id": "VARCHAR", "activity": "JSON"}') END AS record
    FROM lines
),
listed AS (
    SELECT line, text, record.id AS learner_id,
        coalesce(
            broken,
            no_text('id', record.id),
            CASE WHEN record.activity IS NULL
                THEN reject('missing_field', 'activity is absent or empty')
            WHEN json_type(record.activity) <> 'ARRAY'
                THEN reject('broken_row', format('activity holds {}, a list is needed',
                    json_type(record.activity)))
            END) AS unusable,
        CASE WHEN unusable IS NULL THEN from_json(record.activity, '["JSON"]')
            ELSE [NULL] END AS activities
    FROM parsed
),
single AS (
    SELECT line, learner_id, unusable, if(unusable IS NULL, NULL, text) AS line_text,
        unnest(activities) AS raw, generate_subscripts(activities, 1) AS item
    FROM listed
),
typed AS (
    SELECT *,
        from_json(raw, '{"course_id": "VARCHAR", "video_id": "VARCHAR",
            "watching_count": "VARCHAR", "video_duration": "VARCHAR",
            "local_watching_time": "VARCHAR", "video_progress_time": "VARCHAR",
            "video_start_time": "VARCHAR", "video_end_time": "VARCHAR",
            "local_start_time": "VARCHAR", "local_end_time": "VARCHAR"}') AS a
    FROM single
),
parsed_values AS (
    SELECT *,
        number(a.watching_count) AS watching_count,
        number(a.video_duration) AS video_duration,
        number(a.local_watching_time) AS local_watching_time,
        number(a.video_progress_time) AS video_progress_time,
        number(a.video_start_time) AS video_start_time,
        number(a.video_end_time) AS video_end_time,
        moment(a.local_start_time) AS started_at,
        moment(a.local_end_time) AS ended_at
    FROM typed
)
SELECT line, item, coalesce(line_text, raw::VARCHAR, 'null') AS record,
    coalesce(
        unusable,
        CASE WHEN a.course_id IS NULL AND coalesce(json_type(raw), 'NULL') <> 'OBJECT'
            THEN reject('broken_row', format('activity {} is no JSON object', item)) END,
        no_text('course_id', a.course_id),
        no_text('video_id', a.video_id),
        CASE WHEN watching_count BETWEEN 0 AND 2147483647 AND watching_count % 1 = 0
                OR a.watching_count IS NULL OR mend_value(a.watching_count) IS NOT NULL THEN NULL
            ELSE reject('broken_row', format('watching_count is {}, a whole number is needed',
                a.watching_count)) END,
        bad_number('video_duration', a.video_duration, video_duration),
        CASE WHEN video_duration = 0
            THEN reject('impossible_time', 'video_duration is 0') END,
        bad_number('local_watching_time', a.local_watching_time, local_watching_time),
        bad_number('video_progress_time', a.video_progress_time, video_progress_time),
        bad_number('video_start_time', a.video_start_time, video_start_time),
        bad_number('video_end_time', a.video_end_time, video_end_time),
        CASE WHEN video_end_time < video_start_time
            THEN reject('impossible_time', format('the position ends at {} before it starts at {}',
                video_end_time, video_start_time)) END,
        bad_moment('local_start_time', a.local_start_time, started_at),
        bad_moment('local_end_time', a.local_end_time, ended_at),
        CASE WHEN ended_at < started_at
            THEN reject('impossible_time', format('the watch ends at {} before it starts at {}',
                a.local_end_time, a.local_start_time)) END
    ) AS reject,
    concat_ws(' ',
        mend_value(a.watching_count), mend_value(a.video_duration),
        mend_value(a.local_watching_time), mend_value(a.video_progress_time),
        mend_value(a.video_start_time), mend_value(a.video_end_time),
        mend_value(a.local_start_time), mend_value(a.local_end_time),
        CASE WHEN video_progress_time > video_duration THEN 'capped_replay' END
    ) AS mends,
    learner_id, a.course_id AS course_id, a.video_id AS item_id,
    TRY_CAST(watching_count AS INTEGER) AS watching_count, video_duration, local_watching_time,
    video_progress_time, video_start_time, video_end_time, started_at, ended_at
FROM parsed_values;

-- name: predictions
-- prerequisite_prediction.json: c1 is needed before c2 where label is 1. The file has names, not
-- ids; a name with several concepts is settled by the one candidate pair within one field.
WITH parsed AS (
    SELECT line, text, broken_json(line, is_utf8, text) AS broken,
        CASE WHEN broken IS NULL
            THEN from_json(text, '{"c1": "JSON", "c2": "JSON", "label": "JSON"}') END AS r
    FROM lines
),
fields AS (
    SELECT concept_id, list(field_id) AS field_ids FROM kept.field_concept GROUP BY concept_id
),
named AS (
    SELECT name, list({'id': concept_id, 'fields': coalesce(field_ids, [])} ORDER BY concept_id)
        AS concepts
    FROM kept.concept LEFT JOIN fields USING (concept_id) GROUP BY name
),
resolved AS (
    SELECT line, text, broken, r,
        plain(r.c1) AS name_1, plain(r.c2) AS name_2, number(plain(r.label)) AS label,
        n1.concepts AS before, n2.concepts AS after,
        flatten([
            [{'before_id': b.id, 'after_id': a.id} for a in n2.concepts
                if list_has_any(b.fields, a.fields)]
            for b in n1.concepts]) AS in_one_field,
        CASE WHEN len(before) = 1 AND len(after) = 1
            THEN {'before_id': before[1].id, 'after_id': after[1].id}
        WHEN len(in_one_field) = 1 THEN in_one_field[1]
        END AS pair
    FROM parsed
    LEFT JOIN named AS n1 ON n1.name = plain(r.c1)
    LEFT JOIN named AS n2 ON n2.name = plain(r.c2)
)
SELECT line, 0 AS item, text AS record,
    coalesce(
        broken,
        not_text('c1', r.c1), not_text('c2', r.c2), not_text('label', r.label),
        no_field('c1', r.c1), no_field('c2', r.c2), no_field('label', r.label),
        CASE WHEN label IS NULL
            THEN reject('broken_row', format('label is ''{}'', not a number', plain(r.label)))
        WHEN label <> 1
            THEN reject('not_a_prerequisite', format('label is {}', plain(r.label)))
        WHEN name_1 = name_2
            THEN reject('self_loop', format('''{}'' would be its own prerequisite', name_1))
        WHEN before IS NULL
            THEN reject('unresolved_name', format('no concept is named ''{}''', name_1))
        WHEN after IS NULL
            THEN reject('unresolved_name', format('no concept is named ''{}''', name_2))
        WHEN pair IS NULL
            THEN reject('ambiguous_name', format('could be any of {} before any of {}',
                array_to_string([b.id for b in before], ', '),
                array_to_string([a.id for a in after], ', ')))
        END) AS reject,
    '' AS mends,
    pair.before_id AS before_id, pair.after_id AS after_id, 'prediction' AS source
FROM resolved;

-- name: enrolments
-- user.json's course_order and enroll_time, read from the kept learners.
WITH listed AS (
    SELECT line, learner_id,
        CASE WHEN json_type(course_order) = 'ARRAY' THEN from_json(course_order, '["JSON"]')
            ELSE [course_order] END AS courses,
        CASE WHEN json_type(course_order) <> 'ARRAY'
            THEN reject('broken_row', format('course_order holds {}, a list is needed',
                json_type(course_order))) END AS unusable,
        CASE WHEN json_type(enroll_time) = 'ARRAY' THEN from_json(enroll_time, '["JSON"]')
            END AS given,
        given IS NOT NULL AND len(given) <> len(courses) AS unpaired,
        if(unpaired, NULL, given) AS times
    FROM kept.learner WHERE course_order IS NOT NULL
),
single AS (
    SELECT line, learner_id, unusable, unpaired, unnest(courses) AS course,
        generate_subscripts(courses, 1) AS item, times[item] AS time, time ->> '$' AS time_text
    FROM listed
)
SELECT line, item, to_json({'course_order': course, 'enroll_time': time})::VARCHAR AS record,
    coalesce(
        unusable,
        not_text(format('entry {} of course_order', item), course),
        no_field(format('entry {} of course_order', item), course),
        bad_moment(format('entry {} of enroll_time', item), time_text, moment(time_text))) AS reject,
    CASE WHEN unpaired THEN 'unpaired_times'
        WHEN moment(time_text) IS NULL THEN 'missing_time' ELSE '' END AS mends,
    learner_id, plain(course) AS course_id, moment(time_text) AS enrolled_at
FROM single;

-- name: course_videos
-- course.json's video_order, read from the kept courses.
WITH listed AS (
    SELECT line, course_id,
        CASE WHEN json_type(video_order) = 'ARRAY' THEN from_json(video_order, '["JSON"]')
            ELSE [video_order] END AS videos,
        CASE WHEN json_type(video_order) <> 'ARRAY'
            THEN reject('broken_row', format('video_order holds {}, a list is needed',
                json_type(video_order))) END AS unusable
    FROM kept.course WHERE video_order IS NOT NULL
),
single AS (
    SELECT line, course_id, unusable, unnest(videos) AS video,
        generate_subscripts(videos, 1) AS item
    FROM listed
)
SELECT line, item, coalesce(video::VARCHAR, 'null') AS record,
    coalesce(
        unusable,
        not_text(format('entry {} of video_order', item), video),
        no_field(format('entry {} of video_order', item), video)) AS reject,
    '' AS mends,
    course_id, plain(video) AS item_id
FROM single;

-- name: table.concept
-- An explanation says, in one line each with its word before it, where in its field a concept
-- stands, what it is, and which book of terms says so; most have the first alone. What it is comes
-- first here, each in a line of its own; what is written otherwise stays as it is.
WITH cut AS (
    SELECT *, regexp_extract(explanation,
        '^\s*学科[：:](.*?)(?:\s*定义[：:](.*?))?(?:\s*见载[：:](.*?))?\s*$',
        ['field', 'what', 'book'], 's') AS parts
    FROM kept.concept
)
SELECT concept_id, name, name_en,
    CASE WHEN coalesce(parts.field, '') = '' THEN explanation
        ELSE concat_ws(chr(10), nullif(parts.what, ''),
            '学科：' || array_to_string([trim(part) FOR part IN string_split(parts.field, '_')],
                ' › '),
            '见载：' || nullif(trim(parts.book), '')) END AS explanation
FROM cut;

-- name: table.item
-- The length of a video is the largest that an activity gives, in seconds.
SELECT item_id, 'video' AS kind, name, duration, NULL AS url
FROM kept.item
LEFT JOIN (
    SELECT item_id, max(video_duration) AS duration FROM kept.watch GROUP BY item_id
) USING (item_id);

-- name: table.field
SELECT DISTINCT field_id, field_id AS name FROM kept.field_concept;

-- name: table.field_course
-- A course belongs to the field of most of its concepts; to each of them in a tie.
SELECT field_id, course_id
FROM kept.course_concept JOIN kept.field_concept USING (concept_id)
GROUP BY field_id, course_id
QUALIFY count(*) = max(count(*)) OVER (PARTITION BY course_id);

-- name: table.course_item
-- video_order comes first; what only course-video.json has follows in that file's order.
SELECT course_id, item_id,
    row_number() OVER (
        PARTITION BY course_id ORDER BY o.line IS NULL, o.item, f.line, item_id) - 1 AS position
FROM kept.course_item_order AS o
FULL JOIN kept.course_item AS f USING (course_id, item_id);

-- name: table.learner_course
-- course_order comes first; what only user-course.json has follows in that file's order.
SELECT learner_id, course_id, enrolled_at,
    row_number() OVER (
        PARTITION BY learner_id ORDER BY o.line IS NULL, o.item, f.line, course_id) - 1 AS position
FROM kept.learner_course_order AS o
FULL JOIN kept.learner_course AS f USING (learner_id, course_id);

-- name: table.learner_item
-- The learner's own order is that of the first start; what has no time follows in file order.
WITH seen AS (
    SELECT learner_id, item_id,
        max(CASE WHEN video_progress_time > video_duration THEN 1
            ELSE video_progress_time / video_duration END) AS share,
        coalesce(bool_or(video_progress_time > video_duration), false) AS replayed,
        min(started_at) AS first_started_at
    FROM kept.watch GROUP BY learner_id, item_id
)
SELECT learner_id, item_id,
    coalesce(share, 1) AS watched,
    if(share IS NULL, 'view', 'progress') AS evidence,
    coalesce(replayed, false) AS replayed,
    first_started_at,
    row_number() OVER (
        PARTITION BY learner_id ORDER BY first_started_at NULLS LAST, line NULLS LAST, item_id
    ) - 1 AS position
FROM kept.learner_item FULL JOIN seen USING (learner_id, item_id);
