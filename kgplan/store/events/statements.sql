-- What the store of events asks of its database, SQLite or PostgreSQL (database.py runs it).
-- `:name` is a value, `any_of(:names)` any number of values.
--
-- The tables, made by migrations/; times are in seconds since 1970:
--   learner         of whom something is stored; the revision is new after every change
--   learner_event   one event, as kgplan/data/events.py has it; `raw` is what was sent. An id names
--                   one event of a sender: the learner whose own token sent it, '' for a platform
--   plain_ids       the one authority whose names are learners' ids as they are; the first keeps them
--   plan            that was given to a learner, where it differs from the one before it
--   feedback        what a learner said about a concept, or about an item on it; the last word on
--                   each counts
--   dead_letter     what was sent as an event and refused, and why; the same thing is kept once
--   erased_learner  that one was erased, when and how much; who only as a hash. `n_erasures`: how
--                   often; `ticks`: the monotonic clock at the last one; `overwritten`: SQLite's
--                   file holds nothing of it any more
--   erased_event    that one was erased, by a hash of its learner, sender and id
--   used_nonce      what must not be used again, until its time is over anyway
--   running_plan    that a learner is at work on in a course, with its state (kgplan/adjusting) and
--                   what was seen at the last look. `version` and `changes` count up; `due`: the
--                   next look; `revision`: the learner's at the last one; who looks claims it
--   plan_change     what a rule made or suggests, or a person decided, in such a plan; `n` counts
--                   those of a plan, `ends`: until when a decision lives
--   audit_line      who changed or looked at a plan, chained by hashes; never changed
--   audit_head      the last of these lines, for the next one

-- name: learner.version
SELECT
    (SELECT revision FROM learner WHERE learner_id = :learner_id),
    erased_learner.erased,
    erased_learner.n_erasures
FROM (SELECT 1 AS one) AS always
LEFT JOIN erased_learner ON erased_learner.learner_hash = :learner_hash;

-- name: learner.changed
INSERT INTO learner (learner_id, revision) VALUES (:learner_id, :revision)
ON CONFLICT (learner_id) DO UPDATE SET revision = excluded.revision;

-- name: learner.beginning
-- LIKE would ignore case on SQLite
SELECT learner_id FROM learner WHERE substr(learner_id, 1, :length) = :prefix
ORDER BY learner_id LIMIT :most;

-- name: event.insert
INSERT INTO learner_event (
    event_id, learner_id, time, item_id, course_id, share, segments, length, score, enrols, voids,
    stopped_at, started_at, session, aliases, course_aliases, stored, form, digest, raw, sender
) VALUES (
    :event_id, :learner_id, :time, :item_id, :course_id, :share, :segments, :length, :score,
    :enrols, :voids, :stopped_at, :started_at, :session, :aliases, :course_aliases, :stored, :form,
    :digest, :raw, :sender
) ON CONFLICT DO NOTHING;

-- name: event.none
-- tells the columns' types
SELECT * FROM learner_event WHERE seq = 0;

-- name: event.of_learner
-- what a learner's own token sent voids nothing of others
SELECT
    event_id, learner_id, time, item_id, course_id, share, segments, length, score, enrols, voids,
    stopped_at, started_at, session, aliases, course_aliases
FROM learner_event AS event
WHERE learner_id = :learner_id AND NOT EXISTS (
    SELECT 1 FROM learner_event AS voiding
    WHERE voiding.voids = event.event_id
        AND (voiding.sender = '' OR voiding.learner_id = event.learner_id)
);

-- name: event.digests
SELECT event_id, sender, digest FROM learner_event WHERE event_id IN any_of(:event_ids);

-- name: event.texts
SELECT event_id, sender, raw FROM learner_event WHERE event_id IN any_of(:event_ids);

-- name: event.owners
SELECT learner_id FROM learner_event WHERE event_id IN any_of(:event_ids);

-- name: event.export
SELECT
    event_id, learner_id, time, stored, item_id, course_id, share, segments, length, score, enrols,
    voids, stopped_at, started_at, session, aliases, course_aliases, form, raw AS sent
FROM learner_event WHERE learner_id = :learner_id ORDER BY seq;

-- name: event.names
SELECT event_id, sender FROM learner_event WHERE learner_id = :learner_id;

-- name: event.voiding_others
SELECT event_id, voids FROM learner_event AS event
WHERE learner_id = :learner_id AND sender = '' AND EXISTS (
    SELECT 1 FROM learner_event AS other
    WHERE other.event_id = event.voids AND other.learner_id <> event.learner_id
);

-- name: event.insert_nobodys
INSERT INTO learner_event (event_id, voids, learner_id, time, stored, enrols, form, digest, raw)
VALUES (:event_hash, :voids, '', 0, 0, false, '', '', '{}');

-- name: event.erase
DELETE FROM learner_event WHERE learner_id = :learner_id;

-- name: plain_ids.claim
INSERT INTO plain_ids (one, owner, since) VALUES (1, :owner, :since) ON CONFLICT DO NOTHING;

-- name: plain_ids.owner
SELECT owner FROM plain_ids;

-- name: used_nonce.forget
DELETE FROM used_nonce WHERE ends < :now;

-- name: used_nonce.insert
INSERT INTO used_nonce (nonce, ends) VALUES (:nonce, :ends) ON CONFLICT DO NOTHING;

-- name: plan.insert
INSERT INTO plan (learner_id, course_id, made, size, body)
VALUES (:learner_id, :course_id, :made, :size, :body);

-- name: plan.last_ones
SELECT learner_id, course_id, body FROM plan WHERE seq IN (
    SELECT max(seq) FROM plan WHERE learner_id IN any_of(:learner_ids) GROUP BY learner_id, course_id
);

-- name: plan.bytes
SELECT learner_id, sum(size) FROM plan WHERE learner_id IN any_of(:learner_ids) GROUP BY learner_id;

-- name: plan.sizes
SELECT seq, size FROM plan WHERE learner_id = :learner_id ORDER BY seq DESC;

-- name: plan.drop
DELETE FROM plan WHERE learner_id = :learner_id AND seq <= :last;

-- name: plan.newest
SELECT made, body FROM plan WHERE learner_id = :learner_id ORDER BY seq DESC LIMIT :most;

-- name: plan.newest_in_course
SELECT made, body FROM plan WHERE learner_id = :learner_id AND course_id = :course_id
ORDER BY seq DESC LIMIT :most;

-- name: plan.towards_concepts
SELECT made, body FROM plan WHERE learner_id = :learner_id AND course_id IS NULL ORDER BY seq DESC;

-- name: plan.courses
SELECT course_id, max(made) FROM plan WHERE learner_id = :learner_id AND course_id IS NOT NULL
GROUP BY course_id;

-- name: plan.learners_with
SELECT DISTINCT learner_id FROM plan WHERE body LIKE :part ORDER BY learner_id;

-- name: plan.of_learner_with
SELECT made, body FROM plan WHERE learner_id = :learner_id AND body LIKE :part ORDER BY seq;

-- name: plan.export
SELECT learner_id, course_id, made, body FROM plan WHERE learner_id = :learner_id ORDER BY seq;

-- name: plan.erase
DELETE FROM plan WHERE learner_id = :learner_id;

-- name: feedback.insert
INSERT INTO feedback (learner_id, concept_id, item_id, said, time)
VALUES (:learner_id, :concept_id, :item_id, :said, :time);

-- name: feedback.of_learner
SELECT concept_id, said, time, item_id FROM feedback
WHERE learner_id = :learner_id ORDER BY seq;

-- name: feedback.export
SELECT learner_id, concept_id, item_id, said, time FROM feedback
WHERE learner_id = :learner_id ORDER BY seq;

-- name: feedback.erase
DELETE FROM feedback WHERE learner_id = :learner_id;

-- name: dead_letter.insert
INSERT INTO dead_letter (
    letter_hash, form, sender, learner_id, time, refused, field, reason, digest, size, raw
) VALUES (
    :letter_hash, :form, :sender, :learner_id, :time, :refused, :field, :reason, :digest, :size,
    :raw
) ON CONFLICT (letter_hash) DO UPDATE SET
    learner_id = excluded.learner_id,
    refused = excluded.refused,
    field = excluded.field,
    reason = excluded.reason;

-- name: dead_letter.drop_old
DELETE FROM dead_letter WHERE refused < :before;

-- name: dead_letter.too_many
-- the newest of those that do not fit any more
SELECT seq FROM (
    SELECT seq, sum(size) OVER (ORDER BY seq DESC) AS held FROM dead_letter
) AS counted WHERE held > :most ORDER BY seq DESC LIMIT 1;

-- name: dead_letter.drop_first
DELETE FROM dead_letter WHERE seq <= :last;

-- name: dead_letter.page
SELECT seq, form, raw, digest, field, reason, refused, learner_id, time, sender FROM dead_letter
WHERE seq > :after ORDER BY seq LIMIT :most;

-- name: dead_letter.reasons
SELECT form, field, reason, count(*), min(refused), max(refused) FROM dead_letter
GROUP BY form, field, reason ORDER BY count(*) DESC, form, field, reason;

-- name: dead_letter.remove
DELETE FROM dead_letter WHERE letter_hash IN any_of(:letter_hashes);

-- name: dead_letter.export
SELECT form, time, refused, field, reason, raw AS sent FROM dead_letter
WHERE learner_id = :learner_id ORDER BY seq;

-- name: dead_letter.erase
DELETE FROM dead_letter WHERE learner_id = :learner_id;

-- name: learner.erase
DELETE FROM learner WHERE learner_id = :learner_id;

-- name: erased_learner.insert
INSERT INTO erased_learner (
    learner_hash, erased, ticks, overwritten, n_events, n_plans, n_feedback, n_erasures
) VALUES (:learner_hash, :erased, :ticks, false, 0, 0, 0, 1)
ON CONFLICT (learner_hash) DO UPDATE SET
    erased = excluded.erased,
    ticks = excluded.ticks,
    overwritten = false,
    n_erasures = erased_learner.n_erasures + 1;

-- name: erased_learner.count
UPDATE erased_learner SET
    n_events = n_events + :n_events,
    n_plans = n_plans + :n_plans,
    n_feedback = n_feedback + :n_feedback,
    n_refused = n_refused + :n_refused
WHERE learner_hash = :learner_hash;

-- name: erased_learner.these
SELECT learner_hash, erased, n_erasures, ticks FROM erased_learner
WHERE learner_hash IN any_of(:learner_hashes);

-- name: erased_learner.since
SELECT count(*) FROM erased_learner WHERE erased >= :since;

-- name: erased_learner.put_right
UPDATE erased_learner SET erased = :erased
WHERE learner_hash = :learner_hash AND n_erasures = :n_erasures;

-- name: erased_learner.pending
SELECT learner_hash, n_erasures FROM erased_learner WHERE NOT overwritten;

-- name: erased_learner.overwritten
UPDATE erased_learner SET overwritten = true
WHERE learner_hash = :learner_hash AND n_erasures = :n_erasures;

-- name: erased_event.insert
INSERT INTO erased_event (event_hash) VALUES (:event_hash) ON CONFLICT DO NOTHING;

-- name: erased_event.these
SELECT event_hash FROM erased_event WHERE event_hash IN any_of(:event_hashes);

-- name: running_plan.one
SELECT learner_id, course_id, version, changes, is_off, due, plan, state, seen FROM running_plan
WHERE learner_id = :learner_id AND course_id = :course_id;

-- name: running_plan.version
SELECT version FROM running_plan WHERE learner_id = :learner_id AND course_id = :course_id;

-- name: running_plan.of_learner
SELECT course_id FROM running_plan WHERE learner_id = :learner_id ORDER BY course_id;

-- name: running_plan.of_course
SELECT learner_id, course_id, version, changes, is_off, due, plan, state, seen FROM running_plan
WHERE course_id = :course_id ORDER BY learner_id LIMIT :most;

-- name: running_plan.insert
INSERT INTO running_plan (
    learner_id, course_id, version, changes, is_off, due, revision, claim, claimed_until, plan,
    state, seen
) VALUES (
    :learner_id, :course_id, :version, :changes, :is_off, :due, 0, '', 0, :plan, :state, :seen
) ON CONFLICT DO NOTHING;

-- name: running_plan.change
-- where nobody changed it since it was read
UPDATE running_plan SET
    version = :version,
    changes = :changes,
    is_off = :is_off,
    due = :due,
    plan = :plan,
    state = :state,
    seen = :seen
WHERE learner_id = :learner_id AND course_id = :course_id AND version = :version_before;

-- name: running_plan.wanting
-- what is due; and whose learner did something while the next look is far
SELECT run.learner_id, run.course_id, coalesce(learner.revision, 0)
FROM running_plan AS run LEFT JOIN learner ON learner.learner_id = run.learner_id
WHERE NOT run.is_off AND run.claimed_until <= :now AND (
    run.due <= :now OR (run.due > :soon AND coalesce(learner.revision, 0) <> run.revision)
) ORDER BY run.due, run.learner_id, run.course_id LIMIT :most;

-- name: running_plan.claim
UPDATE running_plan SET claim = :claim, claimed_until = :until
WHERE learner_id = :learner_id AND course_id = :course_id AND claimed_until <= :now;

-- name: running_plan.looked
-- where nobody else took it over, or changed it
UPDATE running_plan SET
    version = :version,
    changes = :changes,
    due = :due,
    revision = :revision,
    claim = '',
    claimed_until = 0,
    plan = :plan,
    state = :state,
    seen = :seen
WHERE learner_id = :learner_id AND course_id = :course_id AND claim = :claim
    AND version = :version_before;

-- name: running_plan.let_go
UPDATE running_plan SET claim = '', claimed_until = 0
WHERE learner_id = :learner_id AND course_id = :course_id AND claim = :claim;

-- name: running_plan.export
SELECT course_id, version, is_off, plan, state, seen FROM running_plan
WHERE learner_id = :learner_id ORDER BY course_id;

-- name: running_plan.erase
DELETE FROM running_plan WHERE learner_id = :learner_id;

-- name: plan_change.insert
INSERT INTO plan_change (
    learner_id, course_id, n, at, version, author, kind, is_made, reason, ends, body
) VALUES (
    :learner_id, :course_id, :n, :at, :version, :author, :kind, :is_made, :reason, :ends, :body
);

-- name: plan_change.newest
SELECT n, at, version, author, kind, is_made, reason, ends, undone, body FROM plan_change
WHERE learner_id = :learner_id AND course_id = :course_id AND n < :before
ORDER BY n DESC LIMIT :most;

-- name: plan_change.decisions
SELECT n, at, version, author, kind, is_made, reason, ends, undone, body FROM plan_change
WHERE learner_id = :learner_id AND course_id = :course_id AND ends > :now AND undone IS NULL
ORDER BY n;

-- name: plan_change.undo
UPDATE plan_change SET undone = :at
WHERE learner_id = :learner_id AND course_id = :course_id AND n = :n AND undone IS NULL;

-- name: plan_change.since
SELECT learner_id, count(*) FROM plan_change
WHERE course_id = :course_id AND at >= :since AND is_made GROUP BY learner_id;

-- name: plan_change.export
SELECT course_id, n, at, version, author, kind, is_made, reason, ends, undone, body FROM plan_change
WHERE learner_id = :learner_id ORDER BY seq;

-- name: plan_change.erase
DELETE FROM plan_change WHERE learner_id = :learner_id;

-- name: audit_head.hold
-- whoever appends next waits until this transaction ends
UPDATE audit_head SET n = n + :lines WHERE one = 1;

-- name: audit_head.read
SELECT n, hash FROM audit_head WHERE one = 1;

-- name: audit_head.write
UPDATE audit_head SET hash = :hash WHERE one = 1;

-- name: audit_line.insert
INSERT INTO audit_line (n, body, hash) VALUES (:n, :body, :hash);

-- name: audit_line.page
SELECT n, body, hash FROM audit_line WHERE n > :after ORDER BY n LIMIT :most;

-- name: audit_line.newest
SELECT coalesce(max(n), 0) FROM audit_line;
