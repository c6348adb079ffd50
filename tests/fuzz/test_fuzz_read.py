"""Whatever a source's files hold: rows and notes, or a refusal in a sentence."""

import json
import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fuzzing import FUZZ_CASES, anything, cases
from hypothesis import given
from hypothesis import strategies as st

from kgplan.errors import InputError, SourceError
from kgplan.etl.sources import open_source, source_named
from kgplan.etl.sources.steps import Rows

UUID = "1aaaaaaa-0000-4000-8000-000000000000"
ITEM = {
    "identifier": UUID,
    "fullStatement": "Add",
    "abbreviatedStatement": "Add",
    "humanCodingScheme": "a",
}
LINK = {
    "associationType": "precedes",
    "originNodeURI": {"identifier": UUID, "uri": "https://x.example/1", "targetType": "CASE"},
    "destinationNodeURI": {"identifier": UUID, "uri": "https://x.example/2", "title": "T"},
}
PACKAGE = {
    "CFDocument": {"identifier": UUID, "title": "T"},
    "CFItems": [ITEM, ITEM],
    "CFAssociations": [LINK, LINK | {"associationType": "exemplar"}],
}
EVENT = {
    "metadata": {"event_name": "learning_outcome_result_updated", "event_time": "2026-03-01"},
    "body": {
        "user_uuid": "a",
        "learning_outcome_id": "1",
        "associated_asset_type": "Quiz",
        "associated_asset_id": "2",
        "score": 1,
        "possible": 2,
    },
}
CONDITION = {"op": "|", "c": [{"type": "completion", "cm": 1, "e": 1}, {"type": "grade", "id": 2}]}
FILES = {
    "case": {"a.json": json.dumps(PACKAGE)},
    "canvas": {
        "a.csv": "vendor_guid,object_type,title,parent_guids,ratings,,\na,group,A,,,,\n"
        "b,outcome,B,a,1,x",
        "e.jsonl": json.dumps(EVENT),
    },
    "oneroster": {
        "lineItems.csv": "sourcedId,status,title,classSourcedId,resultValueMax\n1,,A,1,5\n",
        "classes.csv": "sourcedId,status,courseSourcedId\n1,active,1\n",
        "results.csv": "sourcedId,lineItemSourcedId,studentSourcedId,scoreStatus,score\n"
        "1,1,a,fully graded,3\n",
        "lineItemLearningObjectiveIds.csv": "lineItemSourcedId,source,learningObjectiveId\n"
        f"1,case,{UUID}\n",
    },
    "moodle": {
        "f.csv": "Parent ID number,ID number,Short name,Description,Is framework\n,F,F,,1\n"
        ",1,A,x,\n",
        "moodle_backup.xml": "<m><information><original_course_id>1</original_course_id>"
        "<activity><moduleid>1</moduleid><title>A</title></activity></information></m>",
        "sections/section_1/section.xml": "<section id='1'><number>1</number><sequence>1"
        "</sequence><component>mod_subsection</component><itemid>1</itemid></section>",
        "activities/quiz_1/module.xml": "<module id='1'><modulename>quiz</modulename>"
        f"<availability>{json.dumps(CONDITION)}</availability></module>",
        "activities/quiz_1/competencies.xml": "<c><competency><idnumber>1</idnumber>"
        "</competency></c>",
    },
}


def other_json(draw, value):
    """The same with some value in it another."""
    if isinstance(value, dict) and value and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(value)))
        return value | {key: other_json(draw, value[key])}
    if isinstance(value, list) and value and draw(st.booleans()):
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], other_json(draw, value[at]), *value[at + 1 :]]
    return draw(anything)


@st.composite
def odd(draw, source):
    """The source's files, one of them with something other in it."""
    files = {name: text.encode() for name, text in FILES[source].items()}
    name = draw(st.sampled_from(sorted(files)))
    if name.endswith((".json", ".jsonl")) and draw(st.booleans()):
        files[name] = json.dumps(other_json(draw, json.loads(files[name]))).encode()
    else:
        chance: random.Random = draw(st.randoms(use_true_random=False))
        data = bytearray(files[name])
        for _ in range(draw(st.integers(1, 4))):
            at = chance.randrange(len(data) + 1)
            data[at : at + chance.randrange(4)] = draw(st.binary(max_size=4))
        files[name] = bytes(data)
    return files


@pytest.mark.parametrize("source", FILES)
@cases(max(25, FUZZ_CASES // 40))
@given(st.data())
def test_odd_files_become_rows_or_are_refused_in_a_sentence(source, data):
    with TemporaryDirectory() as name:
        for file, content in data.draw(odd(source)).items():
            path = Path(name) / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        told = ""
        try:
            with open_source(Path(name), source_named(source)) as archive:
                for read in source_named(source).read(archive):
                    assert isinstance(read, str | Rows)
                    for batch in () if isinstance(read, str) else read.batches:
                        assert batch.num_rows > 0
        except (SourceError, InputError) as refused:
            told = str(refused)
        assert "\n" not in told
