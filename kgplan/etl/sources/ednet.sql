-- How the rows of EdNet's learners become events. A batch of `lines` holds whole learners: whose
-- row it is, its line and its text.

-- name: macros
CREATE TABLE question (question_id VARCHAR, correct_answer VARCHAR);
CREATE TABLE lecture (lecture_id VARCHAR, seconds DOUBLE);
CREATE TABLE skipped (unsubmitted BIGINT, unended BIGINT);
CREATE MACRO split(columns_) AS TABLE
    SELECT learner_id, line, string_split(text, ',') AS cells,
        coalesce(broken_text(is_utf8), CASE WHEN len(cells) <> columns_
            THEN reject('broken_row', format('the row has {} cells, the header {}', len(cells),
                columns_)) END) AS reject,
        learner_id || ': ' || left(text, 1000) AS record
    FROM lines;
-- 1 or 0; NULL where there is no answer, or nobody knows the right one.
CREATE MACRO scored(answer, correct) AS
    CASE WHEN trim(answer) <> '' AND correct <> ''
        THEN (lower(trim(answer)) = correct)::INTEGER END;

-- name: keep_correct_answer
INSERT INTO question
SELECT item_id, min(lower(trim(value))) FROM lines WHERE item_id IS NOT NULL GROUP BY item_id;

-- name: keep_video_length
-- Told in milliseconds; -1 stands for none.
INSERT INTO lecture
SELECT item_id, min(length) / 1000
FROM (SELECT item_id, TRY_CAST(value AS DOUBLE) AS length FROM lines)
WHERE length > 0 GROUP BY item_id;

-- name: kt1
-- timestamp, solving_id, question_id, user_answer, elapsed_time
SELECT line, reject, if(reject IS NULL, NULL, record) AS record, learner_id,
    trim(cells[3]) AS item_id,
    cells[1] AS time, scored(cells[4], correct_answer) AS score
FROM split(5) LEFT JOIN question ON question_id = trim(cells[3])
ORDER BY learner_id, line;

-- name: keep_actions
-- timestamp, action_type, item_id, source, user_answer, platform. A bundle of questions begins where
-- a learner enters it (b...); until it is submitted, answers may change.
CREATE OR REPLACE TEMP TABLE action AS
SELECT *, trim(cells[2]) AS kind, trim(cells[3]) AS item_id, trim(cells[1]) AS time,
    trim(cells[5]) AS answer,
    count(*) FILTER (kind = 'enter' AND item_id LIKE 'b%') OVER earlier AS bundle,
    lead(kind) OVER same AS next_kind, lead(time) OVER same AS next_time
FROM split(6)
WINDOW
    earlier AS (PARTITION BY learner_id ORDER BY line ROWS UNBOUNDED PRECEDING),
    same AS (PARTITION BY learner_id, trim(cells[3]) ORDER BY line);
CREATE OR REPLACE TEMP TABLE respond AS
WITH ends AS (
    SELECT learner_id, bundle, max(line) AS submitted
    FROM action WHERE kind = 'submit' GROUP BY learner_id, bundle
)
SELECT action.*, coalesce(line < submitted, false) AS is_submitted
FROM action LEFT JOIN ends USING (learner_id, bundle)
WHERE kind = 'respond' AND item_id LIKE 'q%'
QUALIFY row_number() OVER (PARTITION BY learner_id, bundle, item_id ORDER BY line DESC) = 1;
INSERT INTO skipped
SELECT (SELECT count(*) FROM respond WHERE NOT is_submitted),
    count(*) FILTER (kind = 'enter' AND item_id LIKE 'l%' AND next_kind IS DISTINCT FROM 'quit')
FROM action;

-- name: broken
SELECT line, reject, record FROM action WHERE reject IS NOT NULL ORDER BY learner_id, line;

-- name: answers
SELECT line, learner_id, item_id, time, scored(answer, correct_answer) AS score
FROM respond LEFT JOIN question ON question_id = item_id
WHERE is_submitted AND reject IS NULL ORDER BY learner_id, line;

-- name: lectures
-- Of a lecture of unknown length, as of one that was open for all of it, all was watched.
SELECT line, learner_id, item_id, time,
    greatest(0, least(1,
        (TRY_CAST(next_time AS DOUBLE) - TRY_CAST(time AS DOUBLE)) / 1000 / seconds)) AS share
FROM action LEFT JOIN lecture ON lecture_id = item_id
WHERE kind = 'enter' AND item_id LIKE 'l%' AND next_kind = 'quit' AND reject IS NULL
ORDER BY learner_id, line;

-- name: skipped
SELECT coalesce(sum(unsubmitted), 0)::BIGINT, coalesce(sum(unended), 0)::BIGINT FROM skipped
