"""Every broken rule."""

from tests.mutants.store_rules import STORE_MUTANTS
from tests.mutants.sync_rules import SYNC_MUTANTS

MUTANTS = (*SYNC_MUTANTS, *STORE_MUTANTS)
