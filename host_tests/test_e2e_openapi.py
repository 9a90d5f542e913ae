"""docs/openapi.yaml says of our own addresses what is so: Schemathesis makes requests of it, right
ones and wrong ones, and compares each answer with it.
"""

import hypothesis
import interpreters
import pytest
import requests
import schemathesis
from holdfast.routes import ROWS
from schemathesis import GenerationMode

from boards import output
from boards import settings as document

SCHEMA = schemathesis.openapi.from_path(
    interpreters.ROOT / "docs" / "openapi.yaml",
    # The login is the session's.
    config=schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}}),
)
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations()]
# After these the next request finds no module, or no account: other tests ask for them.
ENDS = ("restart", "change", "replace")
EXAMPLES = 10  # for each operation, of each mode


def test_every_address_of_ours_is_there():
    paths = {line.split(" ")[0] for line in "".join(ROWS).splitlines()}
    page = {"/holdfast/page.css", "/holdfast/page.js"}
    ours = {path for path in paths if path.startswith("/holdfast/")} - page
    assert ours == {operation.path for operation in OPERATIONS}


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_answers_are_as_the_document_says(start, mode):
    board = start(document({"4": output(locked=False)}), "--connections", 12)
    with requests.Session() as session:
        session.auth = requests.auth.HTTPDigestAuth("root", "pass")

        def judge(case):
            if isinstance(case.body, dict):
                # For JSON Schema 1.0 is an integer; for the module it is not.
                hypothesis.assume(
                    not any(isinstance(value, float) for value in case.body.values())
                )
            answer = case.call(base_url=board.url, session=session, timeout=10)
            case.validate_response(answer, excluded_checks=[schemathesis.checks.ignored_auth])

        for operation in OPERATIONS:
            if operation.definition.raw["operationId"] in ENDS:
                continue
            if mode == GenerationMode.NEGATIVE and not (operation.body or operation.query):
                continue  # nothing in it can be wrong
            strategy = operation.as_strategy(generation_mode=mode)
            settings = hypothesis.settings(
                max_examples=EXAMPLES,
                phases=[hypothesis.Phase.generate],
                suppress_health_check=list(hypothesis.HealthCheck),
            )
            settings(hypothesis.given(case=strategy)(judge))()
