"""A simulator of a Pipedrive company account, written from the vendor's public documentation.

Documented by the vendor (developers.pipedrive.com API reference v1 and v2; guides on pipedrive.readme.io): paths,
verbs, token costs and required fields; envelopes and cursor paging; `ids`, `updated_since`, `status`, `include_fields`,
sorting, archived lists, filters; searches; custom fields with 40-character codes, and their options; products,
installments, discounts and participants of deals; followers, changelogs, flows, recents; conversions of leads and
deals; kinds of activities, currencies, labels and sources of leads; sums and timelines of deals; the direction of
merges; the hook object and its errors; both webhook dialects; retries after 3, 30 and 150 s, the ban of 30 minutes at
ten failed first tries, deletion after three days of failure; burst and daily budgets.

Our invention where the documentation is silent: the 404 body of v2 and the 422 body of hooks; the 403 on edits of
archived deals and the 404 on edits of deleted records; 400 for a limit above 500 or a bad cursor; an edit that changes
nothing sends no event; a success does not reset the ban count; the probe of a new hook's URL is a GET; the OAuth error
body; `permitted_user_ids` holds all users; an edit in the web pages is made by a second user; custom fields that are
not set are null in every callback; restoring a deleted record is a change; a merge sends callbacks for the absorbed
record first, then for records that pointed at it, then for the survivor; a conversion is finished at once; a changelog
keeps the last hundred changes of a record; a filter of another entity answers 404; only the operators of
`filters.OPERATORS` are known; built-in fields cannot be renamed (403); no user has followers; a deal's discounts do not
change its value; next activities of deals and persons show no details; days of age in statistics are 0.

Not simulated: files, mail, pictures, projects, tasks, goals, roles and teams, permission sets, call logs, channels,
meetings, relationships of organizations, subscriptions; what a user may see; version 1 of records that version 2 has,
except for the products of one deal.
"""

from bridge.simulators.pipedrive.app import SIMULATOR, PipedriveSimulator, create_app
from bridge.simulators.pipedrive.state import Options

__all__ = ["SIMULATOR", "Options", "PipedriveSimulator", "create_app"]
