"""Whatever is generated from the document, the service answers as the document says."""

import pytest

schemathesis = pytest.importorskip("schemathesis")
hypothesis = pytest.importorskip("hypothesis")
checks = pytest.importorskip("schemathesis.specs.openapi.checks")

CHECKS = (
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
)


NAMES = (
    "queryByBinding",
    "queryByLargeBinding",
    "uploadFile",
    "getManifestById",
    "getSupportedBindings",
    "getRecordById",
    "verify",
    "protect",
    "health",
    "readiness",
)

SETTINGS = hypothesis.settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)


@pytest.fixture(scope="module")
def operations(everything):
    """All operations, by their name."""
    schema = schemathesis.openapi.from_url(f"{everything.url}/openapi.json")
    schema.config.update(base_url=f"{everything.url}/v1")
    schema.config.checks.negative_data_rejection.expected_statuses = ["4xx"]
    found = [result.ok() for result in schema.get_all_operations()]
    return {operation.definition.raw["operationId"]: operation for operation in found}


def test_all_operations_are_described(operations):
    assert operations.keys() == {*NAMES}


@pytest.mark.parametrize("mode", ["positive", "negative"])
@pytest.mark.parametrize("name", NAMES)
def test_answers_are_as_described(operations, name, mode):
    operation = operations[name]
    chosen = schemathesis.GenerationMode(mode)
    if mode == "negative" and not (operation.query or operation.path_parameters or operation.body):
        pytest.skip("takes nothing that could be wrong")

    @SETTINGS
    @hypothesis.given(case=operation.as_strategy(generation_mode=chosen))
    def ask(case):
        case.call_and_validate(checks=CHECKS)

    ask()
