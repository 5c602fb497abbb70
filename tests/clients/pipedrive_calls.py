"""The calls of the npm package `pipedrive`: the arguments of each, and what its answer must show.

A text that begins with `$` names a value of an earlier answer: `$deal.id`. What an answer must show is written as in
JSON: an object by the keys that matter; a list by items that must be among others; a tuple by exactly these items in
this order; `...` is any value but null.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Takes = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One call. `data`: what its answer must show there; `more`: the same for the parts beside `data`; `keep`: the name
    under which later calls find its data. `status`: 404 means that the simulator does not serve it.
    """

    api: str
    method: str
    takes: Takes = field(default_factory=dict)
    body: Any = None
    data: Any = None
    more: Any = None
    keep: str = ""
    status: int = 200


def steps() -> Iterator[Step]:
    yield from _users()
    yield from _pipelines()
    yield from _fields()
    yield from _custom_fields_v1()
    yield from _organizations()
    yield from _persons()
    yield from _products()
    yield from _deals()
    yield from _deal_products()
    yield from _leads()
    yield from _activities()
    yield from _notes()
    yield from _lists_of_choices()
    yield from _filters()
    yield from _histories()
    yield from _statistics()
    yield from _searches()
    yield from _conversions()
    yield from _hooks()
    yield from _merges()
    yield from _ends()


NOT_SERVED = (
    "v1.BillingApi",
    "v1.CallLogsApi",
    "v1.ChannelsApi",
    "v1.FilesApi",
    "v1.GoalsApi",
    "v1.LegacyTeamsApi",
    "v1.MailboxApi",
    "v1.MeetingsApi",
    "v1.OrganizationRelationshipsApi",
    "v1.PermissionSetsApi",
    "v1.ProjectBoardsApi",
    "v1.ProjectPhasesApi",
    "v1.ProjectTemplatesApi",
    "v1.ProjectsApi",
    "v1.RolesApi",
    "v1.TasksApi",
    "v1.UserConnectionsApi",
    "v2.BetaApi",
    "v2.ProjectBoardsApi",
    "v2.ProjectFieldsApi",
    "v2.ProjectPhasesApi",
    "v2.ProjectTemplatesApi",
    "v2.ProjectsApi",
    "v2.TasksApi",
)
"""Calls for entities that the simulator does not have: every call is made and must be answered with 404."""

NOT_SERVED_EITHER = {
    "v1.DealsApi": ("getDealFiles", "getDealMailMessages"),
    "v1.OrganizationsApi": ("getOrganizationFiles", "getOrganizationMailMessages"),
    "v1.PersonsApi": ("getPersonFiles", "getPersonMailMessages", "addPersonPicture", "deletePersonPicture"),
    "v1.ProductsApi": ("getProductFiles",),
    "v2.PersonsApi": ("getPersonPicture",),
    "v2.ProductsApi": ("getProductImage", "uploadProductImage", "updateProductImage", "deleteProductImage"),
}
"""Files, mail and pictures of entities that it has."""


def _users() -> Iterator[Step]:
    api = "v1.UsersApi"
    yield Step(api, "getCurrentUser", data={"id": ..., "company_domain": ..., "is_you": True}, keep="me")
    yield Step(api, "getUsers", data=[{"id": "$me.id"}])
    yield Step(api, "getUser", {"id": "$me.id"}, data={"id": "$me.id", "email": "$me.email"})
    yield Step(api, "addUser", body={"email": "cleo@x.example"}, data={"email": "cleo@x.example"}, keep="cleo")
    yield Step(api, "updateUser", {"id": "$cleo.id"}, {"active_flag": False}, data={"active_flag": False})
    yield Step(api, "updateUser", {"id": "$cleo.id"}, {"active_flag": True}, data={"active_flag": True})
    yield Step(api, "findUsersByName", {"term": "cleo@x", "search_by_email": 1}, data=({"id": "$cleo.id"},))
    yield Step(api, "getUserPermissions", {"id": "$me.id"}, data={"can_use_api": True})
    yield Step(api, "getUserRoleAssignments", {"id": "$me.id"}, data=[{"user_id": "$me.id", "role_id": ...}])
    yield Step(api, "getUserRoleSettings", {"id": "$me.id"}, data={"deal_default_visibility": ...})
    yield Step("v1.UserSettingsApi", "getUserSettings", data={"list_limit": ...})


def _pipelines() -> Iterator[Step]:
    api, stages = "v2.PipelinesApi", "v2.StagesApi"
    yield Step(api, "addPipeline", body={"name": "Renewals"}, data={"name": "Renewals", "id": ...}, keep="pipeline")
    yield Step(api, "getPipelines", data=[{"name": "Sales"}, {"name": "Renewals"}])
    newest = {"sort_by": "id", "sort_direction": "desc", "limit": 1}
    yield Step(api, "getPipelines", newest, data=({"id": "$pipeline.id"},), more={"next_cursor": ...})
    yield Step(api, "getPipeline", {"id": "$pipeline.id"}, data={"name": "Renewals"})
    yield Step(api, "updatePipeline", {"id": "$pipeline.id"}, {"name": "Again"}, data={"name": "Again"})
    first = {"name": "Asked", "pipeline_id": "$pipeline.id", "deal_probability": 40}
    yield Step(stages, "addStage", body=first, data=first, keep="stage")
    yield Step(stages, "addStage", body={"name": "Left", "pipeline_id": "$pipeline.id"}, keep="stage2")
    yield Step(stages, "getStages", {"pipeline_id": "$pipeline.id"}, data=({"name": "Asked"}, {"name": "Left"}))
    ordered = {"pipeline_id": 1, "sort_by": "order_nr", "sort_direction": "desc"}
    order = ("Negotiations Started", "Proposal Made", "Contact Made", "Qualified")
    yield Step(stages, "getStages", ordered, data=tuple({"name": name} for name in order))
    yield Step(stages, "getStage", {"id": "$stage.id"}, data=first)
    yield Step(stages, "updateStage", {"id": "$stage.id"}, {"name": "Told"}, data={"name": "Told"})


FIELDS = (("Deal", "Segment"), ("Organization", ""), ("Person", ""), ("Product", ""))


def _fields() -> Iterator[Step]:
    for name, _known in FIELDS:
        api, low = f"v2.{name}FieldsApi", name.lower()
        made = {"field_name": "Region", "field_type": "enum", "options": [{"label": "North"}, {"label": "South"}]}
        shown = {"field_name": "Region", "field_type": "enum", "is_custom_field": True, "field_code": ...}
        labels = ({"label": "North", "id": ...}, {"label": "South"})
        code = {"field_code": f"${low}_field.field_code"}
        yield Step(api, f"add{name}Field", body=made, data={**shown, "options": labels}, keep=f"{low}_field")
        yield Step(api, f"get{name}Field", code, data=shown)
        visible = {**code, "include_fields": "ui_visibility"}
        yield Step(api, f"get{name}Field", visible, data={"ui_visibility": {"add_visible_flag": ...}})
        yield Step(api, f"get{name}Fields", {"limit": 2}, data=(..., ...), more={"next_cursor": ...})
        yield Step(api, f"get{name}Fields", {"limit": 500}, data=[{"field_code": f"${low}_field.field_code"}])
        renamed = {"field_name": "Area", "ui_visibility": {"add_visible_flag": True}}
        yield Step(api, f"update{name}Field", code, renamed, data={"field_name": "Area", "field_type": "enum"})
        more = [{"label": "West"}, {"label": "East"}]
        west = ({"label": "West", "id": ...}, {"label": "East"})
        yield Step(api, f"add{name}FieldOptions", code, more, data=west, keep=f"{low}_options")
        calm = [{"id": f"${low}_options.0.id", "label": "Far west"}]
        yield Step(api, f"update{name}FieldOptions", code, calm, data=({"label": "Far west"},))
        gone = [{"id": f"${low}_options.1.id"}]
        yield Step(api, f"delete{name}FieldOptions", code, gone, data=({"label": "East"},))
        left = ({"label": "North"}, {"label": "South"}, {"label": "Far west"})
        yield Step(api, f"get{name}Field", code, data={"field_name": "Area", "options": left})
        text = {"field_name": "Short lived", "field_type": "varchar"}
        yield Step(api, f"add{name}Field", body=text, data=text, keep="short")
        short = {"field_code": "$short.field_code"}
        yield Step(api, f"delete{name}Field", short, data={"field_code": "$short.field_code", **text})
    yield Step("v2.ActivityFieldsApi", "getActivityFields", data=[{"field_code": "subject"}, {"field_code": "done"}])
    yield Step("v2.ActivityFieldsApi", "getActivityField", {"field_code": "subject"}, data={"field_code": "subject"})


def _custom_fields_v1() -> Iterator[Step]:
    for name, _known in FIELDS:
        api, low = f"v1.{name}FieldsApi", f"{name.lower()}_v1"
        made = {"name": "Rank", "field_type": "enum", "options": [{"label": "First"}, {"label": "Second"}]}
        shown = {"name": "Rank", "field_type": "enum", "key": ..., "id": ..., "edit_flag": True}
        status = 201 if name == "Product" else 200
        labels = ({"label": "First", "id": ...}, {"label": "Second"})
        yield Step(api, f"add{name}Field", body=made, data={**shown, "options": labels}, keep=low, status=status)
        yield Step(api, f"get{name}Field", {"id": f"${low}.id"}, data={**shown, "key": f"${low}.key"})
        yield Step(api, f"get{name}Fields", {"limit": 500}, data=[{"key": f"${low}.key"}, {"key": "id"}])
        kept = {"name": "Order", "options": [{"id": f"${low}.options.0.id", "label": "Front"}, {"label": "Third"}]}
        left = ({"id": f"${low}.options.0.id", "label": "Front"}, {"label": "Third", "id": ...})
        yield Step(api, f"update{name}Field", {"id": f"${low}.id"}, kept, data={"name": "Order", "options": left})
        yield Step(api, f"delete{name}Field", {"id": f"${low}.id"}, data={"id": f"${low}.id"})
        text = {"name": "Passing", "field_type": "varchar"}
        yield Step(api, f"add{name}Field", body=text, data=text, keep="passing", status=status)
        yield Step(api, f"delete{name}Fields", {"ids": "$passing.id"}, data={"id": ("$passing.id",)})
    yield Step("v1.ActivityFieldsApi", "getActivityFields", data=[{"key": "subject", "name": ...}])
    yield Step("v1.LeadFieldsApi", "getLeadFields", data=[{"key": "title"}])
    yield Step("v1.NoteFieldsApi", "getNoteFields", data=[{"key": "content"}])


ADDRESS = {"value": "Pier 1, Bergen", "locality": "Bergen", "country": "Norway"}


def _organizations() -> Iterator[Step]:
    api, field_code = "v2.OrganizationsApi", "$organization_field.field_code"
    option = "$organization_field.options.0.id"
    made = {"name": "Acme", "address": ADDRESS, "website": "https://acme.example", "employee_count": 12}
    own = {"custom_fields": {field_code: option}}
    yield Step(api, "addOrganization", body={**made, **own}, data={**made, **own, "id": ...}, keep="org")
    yield Step(api, "addOrganization", body={"name": "Beta"}, data={"name": "Beta"}, keep="org2")
    yield Step(api, "getOrganization", {"id": "$org.id"}, data={**made, **own})
    labelled = {"id": "$org.id", "include_option_labels": True}
    label = {"custom_fields": {field_code: {"id": option, "label": "North"}}}
    yield Step(api, "getOrganization", labelled, data=label)
    counted = {"id": "$org.id", "include_fields": "people_count,open_deals_count"}
    yield Step(api, "getOrganization", counted, data={"people_count": 0, "open_deals_count": 0})
    yield Step(api, "updateOrganization", {"id": "$org.id"}, {"website": "https://a.example"}, keep="org")
    yield Step(api, "getOrganizations", {"ids": "$org.id"}, data=({"website": "https://a.example"},))
    newest = {"sort_by": "update_time", "sort_direction": "desc", "limit": 1}
    yield Step(api, "getOrganizations", newest, data=(...,), more={"next_cursor": ...})
    yield from _followers("organization", "Organization", "org")


def _followers(entity: str, name: str, kept: str) -> Iterator[Step]:
    """Followers in both versions: version 1 gives a following its own id."""
    old, new, one = f"v1.{name}sApi", f"v2.{name}sApi", {"id": f"${kept}.id"}
    status = 201 if entity == "product" else 200
    key = "org_id" if entity == "organization" else f"{entity}_id"
    me = {"user_id": "$me.id"}
    shown = {"user_id": "$cleo.id", "id": ..., key: f"${kept}.id"}
    yield Step(old, f"add{name}Follower", one, {"user_id": "$cleo.id"}, data=shown, keep="followed", status=status)
    yield Step(old, f"get{name}Followers", one, data=[shown])
    yield Step(old, f"delete{name}Follower", {**one, "follower_id": "$followed.id"}, data={"id": "$followed.id"})
    yield Step(new, f"add{name}Follower", one, {"user_id": "$cleo.id"}, data={"user_id": "$cleo.id"}, status=201)
    yield Step(new, f"get{name}Followers", one, data=[{"user_id": "$cleo.id", "add_time": ...}])
    yield Step(new, f"delete{name}Follower", {**one, "follower_id": "$cleo.id"}, data={"user_id": "$cleo.id"})
    yield Step(new, f"add{name}Follower", one, me, data=me, status=201)
    removed = {"action": "removed", "follower_user_id": "$cleo.id", "actor_user_id": "$me.id", "time": ...}
    yield Step(new, f"get{name}FollowersChangelog", one, data=[removed, {"action": "added"}])
    yield Step(old, f"get{name}Users", one, data=["$me.id"])


def _persons() -> Iterator[Step]:
    api = "v2.PersonsApi"
    emails = [{"value": "ana@x.example", "primary": True, "label": "work"}]
    made = {
        "name": "Ana Lind",
        "emails": emails,
        "phones": [{"value": "+47 55 01", "label": "work"}],
        "org_id": "$org.id",
    }
    shown = {**made, "first_name": "Ana", "last_name": "Lind", "phones": ({"value": "+47 55 01", "primary": True},)}
    yield Step(api, "addPerson", body=made, data=shown, keep="person")
    yield Step(api, "addPerson", body={"name": "Bo Ek", "org_id": "$org2.id"}, data={"name": "Bo Ek"}, keep="person2")
    yield Step(api, "getPerson", {"id": "$person.id"}, data=shown)
    counted = {"id": "$person.id", "include_fields": "notes_count,activities_count,followers_count"}
    yield Step(api, "getPerson", counted, data={"notes_count": 0, "activities_count": 0, "followers_count": 0})
    yield Step(api, "updatePerson", {"id": "$person.id"}, {"name": "Ana Berg"}, data={"last_name": "Berg"})
    yield Step(api, "getPersons", {"org_id": "$org.id"}, data=({"name": "Ana Berg"},))
    yield Step(api, "getPersons", {"owner_id": "$me.id", "limit": 1}, data=(...,), more={"next_cursor": ...})
    yield from _followers("person", "Person", "person")
    yield Step("v2.UsersApi", "getUserFollowers", {"id": "$cleo.id"}, data=())
    yield Step("v1.UsersApi", "getUserFollowers", {"id": "$cleo.id"}, data=())


def _products() -> Iterator[Step]:
    api = "v2.ProductsApi"
    made = {"name": "Pump", "code": "P-1", "unit": "pc", "tax": 25, "prices": [{"currency": "EUR", "price": 10}]}
    yield Step(api, "addProduct", body=made, data={**made, "id": ...}, keep="product", status=201)
    yield Step(api, "addProduct", body={"name": "Axle", "code": "A-1"}, keep="product2", status=201)
    yield Step(api, "getProduct", {"id": "$product.id"}, data={**made, "prices": ({"product_id": "$product.id"},)})
    yield Step(api, "updateProduct", {"id": "$product.id"}, {"code": "P-2"}, data={"code": "P-2", "name": "Pump"})
    by_name = {"sort_by": "name", "sort_direction": "asc"}
    yield Step(api, "getProducts", by_name, data=({"name": "Axle"}, {"name": "Pump"}))
    again = {"name": "Pump", "code": "P-2"}
    yield Step(api, "duplicateProduct", {"id": "$product.id"}, data=again, keep="twin", status=201)
    yield Step(api, "deleteProduct", {"id": "$twin.id"}, data={"id": "$twin.id"})
    price = {"price": 12, "currency": "EUR", "cost": 7}
    kind = {"name": "Large", "prices": [price]}
    one = {"id": "$product.id"}
    yield Step(
        api, "addProductVariation", one, kind, data={**kind, "product_id": "$product.id"}, keep="kind", status=201
    )
    yield Step(api, "getProductVariations", one, data=({"name": "Large", "id": "$kind.id"},))
    kinds = {**one, "product_variation_id": "$kind.id"}
    yield Step(api, "updateProductVariation", kinds, {"name": "Huge"}, data={"name": "Huge", "prices": [price]})
    yield Step(api, "deleteProductVariation", kinds, data={"id": "$kind.id"})
    yield Step(api, "getProductVariations", one, data=())
    yield from _followers("product", "Product", "product")


def _deals() -> Iterator[Step]:
    api, code, option = "v2.DealsApi", "$deal_field.field_code", "$deal_field.options.1.id"
    made = {"title": "Ten pumps", "value": 100, "currency": "EUR", "person_id": "$person.id", "org_id": "$org.id"}
    own = {"custom_fields": {code: option}}
    yield Step(api, "addDeal", body={**made, **own}, data={**made, **own, "status": "open"}, keep="deal")
    staged = {"title": "Again", "stage_id": "$stage.id", "value": 30}
    yield Step(api, "addDeal", body=staged, data={**staged, "pipeline_id": "$pipeline.id"}, keep="deal2")
    yield Step(api, "addDeal", body={"title": "Old", "is_archived": True}, data={"is_archived": True}, keep="old")
    yield Step(api, "getDeal", {"id": "$deal.id"}, data={**made, **own})
    labelled = {"id": "$deal.id", "include_option_labels": True}
    yield Step(api, "getDeal", labelled, data={"custom_fields": {code: {"id": option, "label": "South"}}})
    counts = "products_count,notes_count,activities_count,participants_count,smart_bcc_email,next_activity_id"
    shown = {"products_count": 0, "notes_count": 0, "activities_count": 0, "smart_bcc_email": ...}
    yield Step(api, "getDeal", {"id": "$deal.id", "include_fields": counts}, data=shown)
    yield Step(api, "updateDeal", {"id": "$deal2.id"}, {"stage_id": "$stage2.id"}, data={"stage_id": "$stage2.id"})
    yield Step(api, "updateDeal", {"id": "$deal2.id"}, {"status": "won"}, data={"status": "won", "won_time": ...})
    yield Step(api, "getDeals", {"status": "won"}, data=({"id": "$deal2.id"},))
    yield Step(api, "getDeals", {"person_id": "$person.id"}, data=({"id": "$deal.id"},))
    yield Step(api, "getDeals", {"include_fields": "products_count"}, data=[{"products_count": 0}])
    newest = {"sort_by": "add_time", "sort_direction": "desc", "limit": 1}
    yield Step(api, "getDeals", newest, data=(...,), more={"next_cursor": ...})
    yield Step(api, "getArchivedDeals", data=({"id": "$old.id"},))
    yield Step("v1.DealsApi", "getArchivedDeals", data=({"id": "$old.id", "is_archived": True},))
    yield from _followers("deal", "Deal", "deal")
    yield from _people_of_a_deal()
    one, discount = {"id": "$deal.id"}, {"description": "Early", "amount": 10, "type": "percentage"}
    yield Step(api, "postAdditionalDiscount", one, discount, data={**discount, "id": ...}, keep="discount", status=201)
    yield Step(api, "getAdditionalDiscounts", one, data=({**discount, "deal_id": "$deal.id"},))
    which = {**one, "discount_id": "$discount.id"}
    yield Step(api, "updateAdditionalDiscount", which, {"amount": 5}, data={"amount": 5, "description": "Early"})
    yield Step(api, "deleteAdditionalDiscount", which, data={"id": ...})
    yield Step(api, "getAdditionalDiscounts", one, data=())


def _people_of_a_deal() -> Iterator[Step]:
    api, one = "v1.DealsApi", {"id": "$deal.id"}
    shown = {"id": ..., "person_id": {"value": "$person2.id", "name": "Bo Ek"}}
    yield Step(api, "addDealParticipant", one, {"person_id": "$person2.id"}, data=shown, keep="guest")
    yield Step(api, "getDealParticipants", one, data=[shown])
    yield Step(api, "deleteDealParticipant", {**one, "deal_participant_id": "$guest.id"}, data={"id": "$guest.id"})
    changed = {"person_id": "$person2.id", "action": "removed", "time": ..., "actor_user_id": "$me.id"}
    yield Step(api, "getDealParticipantsChangelog", one, data=[changed, {"action": "added"}])
    yield Step(api, "duplicateDeal", one, data={"title": "Ten pumps", "id": ..., "value": 100}, keep="copy")
    yield Step("v2.DealsApi", "deleteDeal", {"id": "$copy.id"}, data={"id": "$copy.id"})


def _deal_products() -> Iterator[Step]:
    api, one = "v2.DealProductsApi", {"id": "$deal.id"}
    line = {"product_id": "$product.id", "item_price": 10, "quantity": 3, "discount": 10, "comments": "soon"}
    shown = {**line, "deal_id": "$deal.id", "sum": 27, "name": "Pump", "order_nr": ...}
    yield Step(api, "addDealProduct", one, line, data=shown, keep="line", status=201)
    many = [{"product_id": "$product2.id", "item_price": 5, "quantity": 2}, {**line, "quantity": 1}]
    both = ({"sum": 10, "name": "Axle"}, {"sum": 9})
    yield Step(api, "addManyDealProducts", one, {"data": many}, data=both, keep="lines", status=201)
    yield Step(api, "getDealProducts", {**one, "limit": 2}, data=({"sum": 27}, {"sum": 10}), more={"next_cursor": ...})
    last = {**one, "sort_by": "order_nr", "sort_direction": "desc"}
    yield Step(api, "getDealProducts", last, data=({"sum": 9}, {"sum": 10}, {"sum": 27}))
    yield Step(api, "getDealsProducts", {"deal_ids": ["$deal.id", "$deal2.id"]}, data=(..., ..., ...))
    which = {**one, "product_attachment_id": "$line.id"}
    yield Step(api, "updateDealProduct", which, {"quantity": 4}, data={"quantity": 4, "sum": 36, "comments": "soon"})
    yield Step(
        "v2.DealsApi", "getDeal", {**one, "include_fields": "products_count"}, data={"value": 55, "products_count": 3}
    )
    yield Step(api, "deleteDealProduct", {**one, "product_attachment_id": "$lines.0.id"}, data={"id": "$lines.0.id"})
    yield Step(api, "deleteManyDealProducts", {**one, "ids": "$lines.1.id"}, data={"ids": ("$lines.1.id",)})
    yield Step("v2.DealsApi", "getDeal", one, data={"value": 36})
    api, day = "v2.DealInstallmentsApi", "2026-12-24"
    part = {"description": "Half", "amount": 18, "billing_date": day}
    yield Step(api, "postInstallment", one, part, data={**part, "deal_id": "$deal.id"}, keep="part")
    yield Step(api, "getInstallments", {"deal_ids": ["$deal.id"]}, data=({**part, "id": "$part.id"},))
    which = {**one, "installment_id": "$part.id"}
    yield Step(api, "updateInstallment", which, {"amount": 9}, data={"amount": 9, "billing_date": day})
    yield Step(api, "deleteInstallment", which, data={"id": "$part.id"})
    yield Step(api, "getInstallments", {"deal_ids": ["$deal.id"]}, data=())
    held = {"deal": {"id": "$deal.id"}, "product": {"id": "$product.id", "name": "Pump"}}
    yield Step("v1.PersonsApi", "getPersonProducts", {"id": "$person.id"}, data=({"$deal.id": held},))
    yield Step("v1.ProductsApi", "getProductDeals", {"id": "$product.id"}, data=({"id": "$deal.id"},))


def _leads() -> Iterator[Step]:
    api, labels = "v1.LeadsApi", "v1.LeadLabelsApi"
    yield Step(labels, "addLeadLabel", body={"name": "Fair", "color": "green"}, data={"name": "Fair"}, keep="label")
    yield Step(
        labels, "updateLeadLabel", {"id": "$label.id"}, {"color": "pink"}, data={"color": "pink", "name": "Fair"}
    )
    yield Step(labels, "getLeadLabels", data=[{"name": "Fair", "color": "pink"}, {"name": "Hot"}])
    yield Step("v1.LeadSourcesApi", "getLeadSources", data=[{"name": "API"}])
    made = {"title": "Fair visitor", "person_id": "$person.id", "value": {"amount": 5, "currency": "EUR"}}
    tagged = {**made, "label_ids": ["$label.id"], "organization_id": "$org.id"}
    yield Step(api, "addLead", body=tagged, data={**tagged, "source_name": "API"}, keep="lead", status=201)
    yield Step(api, "addLead", body={"title": "Late", "person_id": "$person2.id"}, keep="lead2", status=201)
    yield Step(api, "getLead", {"id": "$lead.id"}, data=tagged)
    yield Step(
        api, "updateLead", {"id": "$lead.id"}, {"was_seen": True}, data={"was_seen": True, "title": "Fair visitor"}
    )
    yield Step(api, "getLeads", {"person_id": "$person.id"}, data=({"id": "$lead.id"},))
    yield Step(api, "getLeads", {"sort": "title DESC"}, data=({"title": "Late"}, {"title": "Fair visitor"}))
    yield Step(api, "updateLead", {"id": "$lead2.id"}, {"is_archived": True}, data={"is_archived": True})
    yield Step(api, "getArchivedLeads", data=({"id": "$lead2.id"},))
    yield Step(api, "getLeadUsers", {"id": "$lead.id"}, data=["$me.id"])
    found = {"items": ({"item": {"id": "$lead.id", "title": "Fair visitor", "person": {"id": "$person.id"}}},)}
    yield Step(api, "searchLeads", {"term": "fair vis"}, data=found)
    new = "v2.LeadsApi"
    yield Step(new, "searchLeads", {"term": "fair vis", "fields": "title", "person_id": "$person.id"}, data=found)
    seen = {"items": ({"item": {"was_seen": True}},)}
    yield Step(new, "searchLeads", {"term": "visitor", "include_fields": "lead.was_seen"}, data=seen)
    yield Step(new, "searchLeads", {"term": "visitor", "organization_id": "$org2.id"}, data={"items": ()})


def _activities() -> Iterator[Step]:
    api = "v2.ActivitiesApi"
    people = [{"person_id": "$person.id", "primary": True}]
    made = {
        "subject": "Ring Ana",
        "type": "call",
        "deal_id": "$deal.id",
        "due_date": "2026-12-01",
        "participants": people,
    }
    shown = {**made, "done": False, "person_id": "$person.id"}
    yield Step(api, "addActivity", body=made, data=shown, keep="activity")
    ofalead = {"subject": "Write", "lead_id": "$lead.id", "due_date": "2026-11-01", "done": True}
    yield Step(api, "addActivity", body=ofalead, data={**ofalead, "marked_as_done_time": ...}, keep="activity2")
    yield Step(api, "getActivity", {"id": "$activity.id"}, data=shown)
    guests = {"attendees": [{"email": "guest@x.example", "name": "Guest", "status": "noreply", "is_organizer": False}]}
    yield Step(api, "updateActivity", {"id": "$activity.id"}, guests, data={"subject": "Ring Ana"})
    asked = {"id": "$activity.id", "include_fields": "attendees"}
    yield Step(api, "getActivity", asked, data={"attendees": ({"email": "guest@x.example"},)})
    yield Step(api, "getActivities", {"done": True}, data=({"id": "$activity2.id"},))
    yield Step(api, "getActivities", {"done": False}, data=({"id": "$activity.id"},))
    yield Step(api, "getActivities", {"lead_id": "$lead.id"}, data=({"id": "$activity2.id"},))
    yield Step(api, "getActivities", {"deal_id": "$deal.id"}, data=({"id": "$activity.id"},))
    yield Step(api, "getActivities", {"person_id": "$person.id"}, data=({"id": "$activity.id"},))
    by_day = {"sort_by": "due_date", "sort_direction": "asc"}
    yield Step(api, "getActivities", by_day, data=({"subject": "Write"}, {"subject": "Ring Ana"}))
    yield Step(api, "updateActivity", {"id": "$activity.id"}, {"done": True}, data={"done": True})
    counted = {"id": "$deal.id", "include_fields": "activities_count,done_activities_count"}
    yield Step("v2.DealsApi", "getDeal", counted, data={"activities_count": 1, "done_activities_count": 1})


def _notes() -> Iterator[Step]:
    api = "v1.NotesApi"
    made = {"content": "Likes green", "deal_id": "$deal.id", "pinned_to_deal_flag": 1}
    shown = {"content": "Likes green", "deal_id": "$deal.id", "pinned_to_deal_flag": True, "active_flag": True}
    yield Step(api, "addNote", body=made, data={**shown, "deal": {"title": "Ten pumps"}}, keep="note")
    yield Step(api, "addNote", body={"content": "Of Bo", "person_id": "$person2.id"}, keep="note2")
    yield Step(api, "getNote", {"id": "$note.id"}, data=shown)
    yield Step(api, "updateNote", {"id": "$note.id"}, {"content": "Likes red"}, data={"content": "Likes red"})
    yield Step(api, "getNotes", {"deal_id": "$deal.id"}, data=({"id": "$note.id"},))
    yield Step(api, "getNotes", {"pinned_to_deal_flag": 1}, data=({"id": "$note.id"},))
    yield Step(api, "getNotes", {"sort": "content DESC", "limit": 1}, data=({"content": "Of Bo"},))
    said = {"content": "Really?"}
    comment = {**said, "uuid": ..., "object_id": ..., "object_type": "note", "active_flag": True}
    yield Step(api, "addNoteComment", {"id": "$note.id"}, said, data=comment, keep="comment")
    which = {"id": "$note.id", "commentId": "$comment.uuid"}
    yield Step(api, "getComment", which, data=comment)
    yield Step(api, "updateCommentForNote", which, {"content": "Really!"}, data={"content": "Really!"})
    yield Step(api, "getNoteComments", {"id": "$note.id"}, data=({"content": "Really!"},))
    yield Step(api, "deleteComment", which, data=True)


def _lists_of_choices() -> Iterator[Step]:
    api = "v1.ActivityTypesApi"
    made = {"name": "Site visit", "icon_key": "car", "color": "AEB31B"}
    shown = {**made, "key_string": "site_visit", "is_custom_flag": True, "active_flag": True}
    yield Step(api, "addActivityType", body=made, data=shown, keep="kind")
    yield Step(api, "getActivityTypes", data=[{"key_string": "call"}, {"key_string": "site_visit"}])
    yield Step(
        api, "updateActivityType", {"id": "$kind.id"}, {"name": "Visit"}, data={"name": "Visit", "icon_key": "car"}
    )
    visit = {"subject": "Look", "type": "site_visit"}
    yield Step("v2.ActivitiesApi", "addActivity", body=visit, data=visit)
    yield Step(api, "deleteActivityType", {"id": "$kind.id"}, data={"active_flag": False})
    yield Step("v1.CurrenciesApi", "getCurrencies", data=[{"code": "EUR", "decimal_points": 2}, {"code": "USD"}])
    yield Step("v1.CurrenciesApi", "getCurrencies", {"term": "eur"}, data=[{"code": "EUR"}])


def _condition(code: str, operator: str, value: Any) -> dict[str, Any]:
    row = {
        "object": "deal",
        "field_id": f"$deal_fields.key={code}.id",
        "operator": operator,
        "value": value,
        "extra_value": None,
    }
    return {"glue": "and", "conditions": [{"glue": "and", "conditions": [row]}, {"glue": "or", "conditions": []}]}


def _filters() -> Iterator[Step]:
    api = "v1.FiltersApi"
    yield Step("v1.DealFieldsApi", "getDealFields", {"limit": 500}, keep="deal_fields")
    title = _condition("title", "=", "Ten pumps")
    made = {"name": "Pumps", "type": "deals", "conditions": title}
    yield Step(api, "addFilter", body=made, data={"name": "Pumps", "type": "deals", "id": ...}, keep="filter")
    yield Step(api, "addFilter", body={**made, "name": "Other"}, keep="filter2")
    yield Step(api, "getFilter", {"id": "$filter.id"}, data={"name": "Pumps", "conditions": {"glue": "and"}})
    yield Step(api, "getFilters", {"type": "deals"}, data=[{"id": "$filter.id"}, {"id": "$filter2.id"}])
    yield Step(api, "getFilters", {"type": "people"}, data=())
    yield Step("v2.DealsApi", "getDeals", {"filter_id": "$filter.id"}, data=({"id": "$deal.id"},))
    won = {"name": "Won", "conditions": _condition("status", "=", "won")}
    yield Step(api, "updateFilter", {"id": "$filter.id"}, won, data={"name": "Won", "type": "deals"})
    yield Step("v2.DealsApi", "getDeals", {"filter_id": "$filter.id"}, data=({"id": "$deal2.id"},))
    yield Step(api, "getFilterHelpers", data={"operators": {"varchar": ..., "date": ...}})
    yield Step(api, "deleteFilter", {"id": "$filter.id"}, data={"id": "$filter.id"})
    yield Step(api, "deleteFilters", {"ids": "$filter2.id"}, data={"id": ("$filter2.id",)})


def _histories() -> Iterator[Step]:
    moved = {"field_key": "stage_id", "old_value": "$stage.id", "new_value": "$stage2.id", "actor_user_id": "$me.id"}
    texts = {**moved, "old_value": ..., "new_value": ..., "time": ..., "change_source": "api"}
    yield Step("v1.DealsApi", "getDealChangelog", {"id": "$deal2.id"}, data=[texts])
    one = {"id": "$deal2.id", "limit": 1}
    yield Step("v1.DealsApi", "getDealChangelog", one, data=(...,), more={"next_cursor": ...})
    flow = {
        "object": "dealChange",
        "timestamp": ...,
        "data": {"field_key": "stage_id", "new_value": ..., "log_time": ...},
    }
    yield Step("v1.DealsApi", "getDealUpdates", {"id": "$deal2.id"}, data=[flow])
    added = {"object": "dealChange", "data": {"field_key": "add_time", "item_id": "$deal2.id"}}
    yield Step("v1.DealsApi", "getDealUpdates", {"id": "$deal2.id", "items": "dealChange"}, data=[added])
    kinds = [{"object": "note", "data": {"content": "Likes red"}}, {"object": "activity"}, {"object": "dealChange"}]
    yield Step("v1.DealsApi", "getDealUpdates", {"id": "$deal.id"}, data=kinds)
    renamed = {"field_key": "name", "old_value": "Ana Lind", "new_value": "Ana Berg"}
    yield Step("v1.PersonsApi", "getPersonChangelog", {"id": "$person.id"}, data=[renamed])
    change = {"object": "personChange", "data": renamed}
    yield Step("v1.PersonsApi", "getPersonUpdates", {"id": "$person.id"}, data=[change])
    site = {"field_key": "website", "new_value": "https://a.example"}
    yield Step("v1.OrganizationsApi", "getOrganizationChangelog", {"id": "$org.id"}, data=[site])
    change = {"object": "organizationChange", "data": site}
    yield Step("v1.OrganizationsApi", "getOrganizationUpdates", {"id": "$org.id"}, data=[change])
    since = {"since_timestamp": "2020-01-01 00:00:00"}
    recent = [{"item": "deal", "id": "$deal.id", "data": {"title": "Ten pumps"}}, {"item": "note"}, {"item": "user"}]
    yield Step("v1.RecentsApi", "getRecents", {**since, "limit": 500}, data=recent, more={"since_timestamp": ...})
    notes = {**since, "items": "note"}
    yield Step("v1.RecentsApi", "getRecents", notes, data=({"item": "note"}, {"item": "note"}))


def _statistics() -> Iterator[Step]:
    api = "v1.DealsApi"
    summary = {"total_count": 1, "values_total": {"EUR": {"count": 1, "value": 30}}}
    yield Step(api, "getDealsSummary", {"status": "won"}, data=summary)
    yield Step(api, "getArchivedDealsSummary", data={"total_count": 1})
    month = {"start_date": "2020-01-01", "interval": "quarter", "amount": 100, "field_key": "add_time"}
    filled = [{"period_start": ..., "deals": [{"id": "$deal.id"}], "totals": {"count": 2}}]
    yield Step(api, "getDealsTimeline", month, data=filled)
    yield Step(api, "getArchivedDealsTimeline", month, data=[{"totals": {"count": 1}, "deals": [{"id": "$old.id"}]}])
    yield Step("v1.PipelinesApi", "getPipelineDeals", {"id": "$pipeline.id"}, data=({"id": "$deal2.id"},))
    yield Step("v1.StagesApi", "getStageDeals", {"id": "$stage2.id"}, data=({"id": "$deal2.id"},))
    period = {"id": "$pipeline.id", "start_date": "2020-01-01", "end_date": "2100-01-01"}
    moved = {"movements_between_stages": {"count": 1}, "new_deals": {"count": 1, "deals_ids": ("$deal2.id",)}}
    yield Step("v1.PipelinesApi", "getPipelineMovementStatistics", period, data={**moved, "won_deals": {"count": 1}})
    stages = {"from_stage_id": "$stage.id", "to_stage_id": "$stage2.id", "conversion_rate": 100}
    yield Step("v1.PipelinesApi", "getPipelineConversionStatistics", period, data={"stage_conversions": [stages]})


def _searches() -> Iterator[Step]:
    deal = {
        "item": {"id": "$deal.id", "type": "deal", "person": {"name": "Ana Berg"}, "organization": {"name": "Acme"}}
    }
    staged = {"item": {"stage": {"id": ..., "name": ...}, "is_archived": False, "notes": ...}}
    yield Step("v2.DealsApi", "searchDeals", {"term": "pumps"}, data={"items": (deal,)})
    yield Step("v2.DealsApi", "searchDeals", {"term": "ten pumps", "exact_match": True}, data={"items": (staged,)})
    bcc = {"term": "pumps", "include_fields": "deal.cc_email"}
    yield Step("v2.DealsApi", "searchDeals", bcc, data={"items": ({"item": {"cc_email": ...}},)})
    yield Step("v2.DealsApi", "searchDeals", {"term": "again", "status": "open"}, data={"items": ()})
    noted = {"term": "likes red", "fields": "notes"}
    yield Step(
        "v2.DealsApi", "searchDeals", noted, data={"items": ({"item": {"id": "$deal.id", "notes": ["Likes red"]}},)}
    )
    person = {
        "item": {"id": "$person.id", "emails": ["ana@x.example"], "organization": {"id": "$org.id", "name": "Acme"}}
    }
    yield Step("v2.PersonsApi", "searchPersons", {"term": "ana@x", "fields": "email"}, data={"items": (person,)})
    yield Step("v2.PersonsApi", "searchPersons", {"term": "ana", "organization_id": "$org2.id"}, data={"items": ()})
    org = {"item": {"id": "$org.id", "name": "Acme", "address": "Pier 1, Bergen"}}
    yield Step("v2.OrganizationsApi", "searchOrganization", {"term": "acm"}, data={"items": (org,)})
    product = {"item": {"id": "$product.id", "name": "Pump"}}
    yield Step("v2.ProductsApi", "searchProducts", {"term": "P-2", "fields": "code"}, data={"items": (product,)})
    priced = {"term": "pump", "include_fields": "product.price"}
    yield Step("v2.ProductsApi", "searchProducts", priced, data={"items": ({"item": {"prices": ...}},)})
    lead = {"item": {"id": "$lead.id", "type": "lead"}}
    yield Step("v2.ItemSearchApi", "searchItem", {"term": "fair visitor"}, data={"items": (lead,)})
    some = {"term": "an", "item_types": "person,organization"}
    yield Step("v2.ItemSearchApi", "searchItem", some, data={"items": ({"item": {"type": "person"}},)})
    named = {"term": "acme", "fields": "name"}
    yield Step("v2.ItemSearchApi", "searchItem", named, data={"items": ({"item": {"type": "organization"}},)})
    related = {"term": "ana berg", "item_types": "person", "search_for_related_items": True}
    yield Step("v2.ItemSearchApi", "searchItem", related, data={"related_items": [{"item": {"id": "$deal.id"}}]})
    by_field = {"term": "Acme", "entity_type": "organization", "field": "name"}
    yield Step("v2.ItemSearchApi", "searchItemByField", by_field, data=({"id": "$org.id", "name": "Acme"},))
    by_lead = {"term": "Fair visitor", "entity_type": "lead", "field": "title"}
    yield Step("v2.ItemSearchApi", "searchItemByField", by_lead, data=({"id": "$lead.id", "title": "Fair visitor"},))


def _conversions() -> Iterator[Step]:
    leads, deals = "v2.LeadsApi", "v2.DealsApi"
    which = {"id": "$lead.id", "conversion_id": "$conversion.conversion_id"}
    yield Step(leads, "convertLeadToDeal", {"id": "$lead.id"}, {"stage_id": "$stage.id"}, keep="conversion")
    yield Step(leads, "getLeadConversionStatus", which, data={"status": "completed", "deal_id": ...}, keep="became")
    become = {"title": "Fair visitor", "value": 5, "stage_id": "$stage.id", "person_id": "$person.id"}
    yield Step(deals, "getDeal", {"id": "$became.deal_id"}, data={**become, "source_lead_id": "$lead.id"})
    yield Step("v1.LeadsApi", "getLeads", data=None)
    back = {"id": "$became.deal_id", "conversion_id": "$conversion.conversion_id"}
    yield Step(deals, "convertDealToLead", {"id": "$became.deal_id"}, data={"conversion_id": ...}, keep="conversion")
    yield Step(deals, "getDealConversionStatus", back, data={"status": "completed", "lead_id": ...}, keep="again")
    yield Step(
        "v1.LeadsApi", "getLead", {"id": "$again.lead_id"}, data={"title": "Fair visitor", "source_name": "Deal"}
    )


def _hooks() -> Iterator[Step]:
    api = "v1.WebhooksApi"
    made = {"event_action": "change", "event_object": "deal", "name": "Ours", "version": "2.0"}
    asked = {**made, "subscription_url": "https://bridge.example.com/hooks/1", "http_auth_user": "u"}
    yield Step(api, "addWebhook", body={**asked, "http_auth_password": "p"}, data=asked, keep="hook", status=201)
    yield Step(api, "getWebhooks", data=({"id": "$hook.id", "is_active": 1},))
    yield Step(api, "deleteWebhook", {"id": "$hook.id"})
    yield Step(api, "getWebhooks", data=())


def _merges() -> Iterator[Step]:
    deal = {"id": "$deal.id", "merge_what_id": "$deal2.id"}
    yield Step("v1.DealsApi", "mergeDeals", {"id": "$deal2.id"}, {"merge_with_id": "$deal.id"}, data=deal)
    person = {"id": "$person.id", "merge_what_id": "$person2.id", "name": "Ana Berg"}
    yield Step("v1.PersonsApi", "mergePersons", {"id": "$person2.id"}, {"merge_with_id": "$person.id"}, data=person)
    merged = {"merge_with_id": "$org.id"}
    yield Step("v1.OrganizationsApi", "mergeOrganizations", {"id": "$org2.id"}, merged, data={"id": "$org.id"})


def _ends() -> Iterator[Step]:
    for api, method, kept in (
        ("v1.NotesApi", "deleteNote", "note"),
        ("v1.LeadsApi", "deleteLead", "lead2"),
        ("v1.LeadLabelsApi", "deleteLeadLabel", "label"),
        ("v2.ActivitiesApi", "deleteActivity", "activity"),
        ("v2.DealsApi", "deleteDeal", "deal"),
        ("v2.ProductsApi", "deleteProduct", "product"),
        ("v2.PersonsApi", "deletePerson", "person"),
        ("v2.OrganizationsApi", "deleteOrganization", "org"),
        ("v2.StagesApi", "deleteStage", "stage"),
        ("v2.PipelinesApi", "deletePipeline", "pipeline"),
    ):
        gone = True if kept == "note" else {"id": f"${kept}.id"}
        yield Step(api, method, {"id": f"${kept}.id"}, data=gone)
    yield Step("v2.DealsApi", "getDeals", {"status": "deleted"}, data=[{"id": "$deal.id", "is_deleted": True}])
