"""What every kind of action, behaviour and model promises; a new kind inherits the checks."""

import pytest

pytest.register_assert_rewrite(
    "tests.contracts.documents", "tests.contracts.action_contract", "tests.contracts.behaviour_contract"
)
