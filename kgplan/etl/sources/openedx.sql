-- What tracking logs tell of learners, kept until all of it is read.

-- name: macros
CREATE TABLE told AS FROM lines;

-- name: keep
INSERT INTO told FROM lines;

-- name: count
SELECT coalesce(max(nth), 0) FROM told;

-- name: enrolments
SELECT learner_id, course_id, arg_min(place, time) AS place, format('{:.6f}', min(time)) AS time
FROM told WHERE enrols GROUP BY learner_id, course_id ORDER BY min(nth);

-- name: answers
-- A grade that the server tells beside the answer which earned it is the same once more.
SELECT learner_id, item_id, course_id, place, format('{:.6f}', time) AS time, score
FROM told AS one
WHERE score IS NOT NULL AND NOT (graded AND EXISTS (
    FROM told AS other
    WHERE other.learner_id = one.learner_id AND other.item_id = one.item_id
        AND other.score = one.score AND NOT other.graded AND abs(other.time - one.time) <= 5))
ORDER BY nth;

-- name: views
SELECT * FROM told WHERE item_id IS NOT NULL AND score IS NULL AND NOT enrols
ORDER BY learner_id, item_id, time, nth;
