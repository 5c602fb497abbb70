"""Every broken rule."""

from tests.mutants.decision_rules import DECISION_MUTANTS
from tests.mutants.duplicate_rules import DUPLICATE_MUTANTS
from tests.mutants.store_rules import STORE_MUTANTS
from tests.mutants.sync_rules import SYNC_MUTANTS
from tests.mutants.undo_rules import UNDO_MUTANTS

MUTANTS = (*SYNC_MUTANTS, *DECISION_MUTANTS, *DUPLICATE_MUTANTS, *STORE_MUTANTS, *UNDO_MUTANTS)
