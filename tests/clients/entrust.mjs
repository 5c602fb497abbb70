// Drives an Entrust simulator with the functions of the public SDK, generated as its maintainers generate them, and
// prints its calls as JSON: node entrust.mjs FOLDER DESCRIPTION ADDRESS. Answers are compared with the API description:
// required properties, types, words of enumerations, no property that is not described.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const [folder, description, address] = process.argv.slice(2);
const sdk = await import(`${folder}/sdk.mjs`);
const spec = JSON.parse(readFileSync(description, "utf8"));
const operations = new Map(Object.values(spec.paths).flatMap((verbs) => Object.values(verbs).map((one) => [one.operationId.toLowerCase(), one])));
const calls = [];
const driven = new Set();
let token = "";

function lacks(schema, value, path = "answer") {
  const kind = schema.$ref ? spec.components.schemas[schema.$ref.split("/").at(-1)] : schema;
  if (value === null || value === undefined) return [`${path} is ${value}`];
  if (kind.enum && !kind.enum.includes(value)) return [`${path} may not be ${value}`];
  if (kind.type === "array") return Array.isArray(value) ? value.flatMap((one, place) => lacks(kind.items, one, `${path}[${place}]`)) : [`${path} is no list`];
  if (kind.type === "object" || kind.properties) {
    if (typeof value !== "object") return [`${path} is no object`];
    const known = kind.properties ?? {};
    const absent = (kind.required ?? []).filter((name) => value[name] === undefined).map((name) => `${path}.${name} is missing`);
    const odd = kind.properties ? Object.keys(value).filter((name) => !known[name]).map((name) => `${path}.${name} is not described`) : [];
    return [...absent, ...odd, ...Object.entries(known).flatMap(([name, one]) => (value[name] === undefined || value[name] === null ? [] : lacks(one, value[name], `${path}.${name}`)))];
  }
  const types = { string: "string", boolean: "boolean", integer: "number", number: "number" };
  return !types[kind.type] || typeof value === types[kind.type] ? [] : [`${path} is ${JSON.stringify(value)}`];
}

function misses(got, wanted, path = "answer") {
  if (typeof wanted === "function") return wanted(got) ? [] : [`${path} is ${shown(got)}`];
  if (Array.isArray(wanted)) {
    if (!Array.isArray(got) || got.length !== wanted.length) return [`${path} is ${shown(got)}`];
    return wanted.flatMap((one, place) => misses(got[place], one, `${path}[${place}]`));
  }
  if (wanted && typeof wanted === "object") return Object.entries(wanted).flatMap(([name, one]) => misses(got?.[name], one, `${path}.${name}`));
  return got === wanted ? [] : [`${path} is ${shown(got)}`];
}

const shown = (value) => String(JSON.stringify(value)).slice(0, 300);

// Functions without parameters accept only the options.
function asked(method, takes) {
  const options = { baseUrl: address, headers: { Authorization: token } };
  return sdk[method].length > 1 ? sdk[method](takes, options) : sdk[method](options);
}

// Returns the answer's data; notes whether status, shape and content are as expected. `wanted` undefined: not checked.
async function call(name, method, takes, wanted, status = 200) {
  driven.add(method);
  const note = (bad, got) => calls.push({ name: `${method}: ${name}`, outcome: bad.length ? "wrong" : "right", expected: `${status} ${JSON.stringify(wanted, (_key, one) => (typeof one === "function" ? String(one) : one)) ?? ""}`.slice(0, 300), got: bad.length ? bad.join("; ").slice(0, 400) : shown(got) });
  let answer;
  try {
    answer = await asked(method, takes);
  } catch (error) {
    note([String(error)]);
    return undefined;
  }
  const declared = operations.get(method.toLowerCase())?.responses[status]?.content?.["application/json"]?.schema;
  const bad = answer.status === status ? [] : [`status ${answer.status} ${shown(answer.data)}`];
  if (!bad.length && declared) bad.push(...lacks(declared, answer.data));
  if (!bad.length && !declared && answer.data) bad.push(`an answer without content is described, not ${shown(answer.data)}`);
  if (!bad.length && wanted !== undefined) bad.push(...misses(answer.data, wanted));
  note(bad, answer.data);
  return answer.data;
}

const events = [];
const target = createServer((request, response) => {
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", () => {
    events.push(JSON.parse(body));
    response.end();
  });
});
await new Promise((ready) => target.listen(0, "127.0.0.1", ready));
const callbackUrl = `http://127.0.0.1:${target.address().port}/hook`;
const text = (value) => typeof value === "string" && value.length > 0;
const note = (name, right, expected, got) => calls.push({ name, outcome: right ? "right" : "wrong", expected, got: shown(got) });

async function signIn() {
  const account = { applicationId: "3f6c1a52-7c1d-4a53-9a5e-5b0b7c9d1e2f", sharedSecret: "sandbox-shared-secret" };
  await call("without a token", "groupsUsingGet", {}, undefined, 401);
  await call("a wrong secret", "authenticateAdminApiUsingPost", { adminApiAuthentication: { ...account, sharedSecret: "no" } }, { errorCode: text }, 401);
  const answer = await call("sign-in", "authenticateAdminApiUsingPost", { adminApiAuthentication: account }, { authToken: text, creationTime: text, expirationTime: text });
  token = answer?.authToken ?? "";
}

const quiet = { registrationRequired: false, verificationRequired: false, emailVerification: false };

async function attributes() {
  await call("all", "listUserAttributesUsingGet", {}, (rows) => rows.length === 2);
  const made = await call("new", "createUserAttributeUsingPost", { userAttributeParms: { name: "Floor", type: "NONE", mandatory: false, unique: false } }, { id: text, name: "Floor", systemDefined: false });
  await call("a name that is taken", "createUserAttributeUsingPost", { userAttributeParms: { name: "Floor" } }, undefined, 409);
  await call("one", "getUserAttributeUsingGet", { id: made?.id }, { name: "Floor" });
  await call("another name", "modifyUserAttributeUsingPut", { id: made?.id, userAttributeParms: { name: "Storey", unique: true } }, { id: made?.id, name: "Storey", unique: true });
  const spare = await call("another", "createUserAttributeUsingPost", { userAttributeParms: { name: "Spare", type: "OTP_SMS" } }, { type: "OTP_SMS" });
  await call("one", "deleteUserAttributeUsingDelete", { id: spare?.id });
  await call("deleted", "getUserAttributeUsingGet", { id: spare?.id }, undefined, 404);
  return made?.id;
}

async function groups() {
  const made = await call("new", "createGroupUsingPost", { groupParms: { name: "Sales", externalId: "g-1", attribute: "a" } }, { id: text, name: "Sales", externalId: "g-1", attribute: "a" });
  await call("a name that is taken", "createGroupUsingPost", { groupParms: { name: "sales" } }, undefined, 409);
  await call("one", "groupUsingGet", { id: made?.id }, { id: made?.id, name: "Sales", type: "MGMT_UI" });
  await call("all", "groupsUsingGet", {}, (rows) => rows.some((row) => row.id === made?.id));
  await call("by name", "groupByExternalIdUsingPost", { groupId: { id: "Sales" } }, { id: made?.id });
  await call("by external id", "groupByExternalIdUsingPost", { groupId: { id: "g-1" } }, { id: made?.id });
  await call("changed", "updateGroupUsingPut", { id: made?.id, groupParms: { name: "Sellers", attribute: "" } }, { name: "Sellers", externalId: "g-1" });
  await call("search", "groupsPagedUsingPost", { searchParms: { limit: 10, searchByAttributes: [{ name: "name", operator: "STARTS_WITH", value: "Sell" }], orderByAttribute: { name: "name", ascending: true } } }, { results: [{ id: made?.id }] });
  const spare = await call("another", "createGroupUsingPost", { groupParms: { name: "Spare" } }, { name: "Spare" });
  await call("one", "deleteGroupUsingDelete", { id: spare?.id });
  await call("deleted", "groupUsingGet", { id: spare?.id }, undefined, 404);
  return made?.id;
}

async function organizations() {
  const made = await call("new", "createOrganizationUsingPost", { organizationParms: { name: "fjord", displayName: "Fjord AS", description: "boats" } }, { id: text, name: "fjord", displayName: "Fjord AS", description: "boats" });
  await call("a name that is taken", "createOrganizationUsingPost", { organizationParms: { name: "Fjord", displayName: "x" } }, undefined, 409);
  await call("one", "getOrganizationUsingGet", { id: made?.id }, { displayName: "Fjord AS" });
  await call("changed", "updateOrganizationUsingPut", { id: made?.id, organizationParms: { name: "fjord", displayName: "Fjord Group" } }, { displayName: "Fjord Group", description: "boats" });
  await call("search", "organizationsPagedUsingPost", { searchParms: { searchByAttributes: [{ name: "displayName", operator: "CONTAINS", value: "group" }] } }, { results: [{ id: made?.id }], paging: { limit: (value) => value > 0 } });
  const other = await call("another", "createOrganizationUsingPost", { organizationParms: { name: "dahl", displayName: "Dahl AS" } }, { name: "dahl" });
  const spare = await call("a third", "createOrganizationUsingPost", { organizationParms: { name: "spare", displayName: "Spare" } }, { name: "spare" });
  await call("one", "removeOrganizationUsingDelete", { id: spare?.id });
  await call("deleted", "getOrganizationUsingGet", { id: spare?.id }, undefined, 404);
  return [made?.id, other?.id];
}

const read = (id, wanted, name = "one") => call(name, "userUsingGet", { id }, wanted);

async function users(attribute, group, [first, second]) {
  const body = { userId: "ana@fjord.example", firstName: "Ana", lastName: "Nilsen", email: "ana@fjord.example", mobile: "+4799", externalId: "crm:1", externalSource: "crm", locale: "nb", userPrincipalName: "ana@fjord.example", groups: [group], organizations: [first], userAliases: [{ value: "ana" }], userAttributeValues: [{ userAttributeId: attribute, value: "4" }], ...quiet };
  const held = { userId: body.userId, firstName: "Ana", email: body.email, mobile: "+4799", externalId: "crm:1", externalSource: "crm", locale: "nb", state: "ACTIVE", type: "MGMT_UI", groups: [{ id: group, name: "Sellers" }], organizations: [{ id: first }], userAliases: [{ value: "ana" }], userAttributeValues: [{ userAttributeId: attribute, value: "4", userAttribute: { name: "Storey" } }], registrationRequired: false };
  const made = await call("new", "createUserUsingPost", { userParms: body }, { ...held, id: text });
  const id = made?.id;
  await call("a user id that is taken", "createUserUsingPost", { userParms: body }, { errorCode: text }, 409);
  await call("without a name", "createUserUsingPost", { userParms: { firstName: "x" } }, undefined, 400);
  await read(id, held);
  await call("by user id", "userByUseridUsingPost", { userGetParms: { userId: "ANA@fjord.example" } }, { id });
  await call("by alias", "userByUseridUsingPost", { userGetParms: { userId: "ana" } }, { id });
  await call("by external id", "userByExternalIdUsingPost", { userGetParms: { userId: "crm:1" } }, { id });
  await call("by an unknown external id", "userByExternalIdUsingPost", { userGetParms: { userId: "crm:0" } }, undefined, 404);
  await call("one", "updateUserUsingPut", { id, userParms: { firstName: "Anna", mobile: "", preferredOtpDelivery: "SMS" } });
  await read(id, { firstName: "Anna", lastName: "Nilsen", mobile: (value) => value === undefined, preferredOtpDelivery: "SMS", externalId: "crm:1" }, "changed");
  await call("inactive", "updateUserStateUsingPut", { id, userChangeStateParms: { state: "INACTIVE" } });
  await read(id, { state: "INACTIVE" }, "inactive");
  await call("one", "unlockUserUsingPut", { id });
  await call("another", "modifyUserAOrganizationAssociationsUsingPut", { userid: id, userOrganizationParms: { organizations: [second] } });
  await read(id, { organizations: [{ id: second }] }, "with the other organization");
  await call("one more", "createUserOrganizationAssociationUsingPost", { orgid: first, userid: id });
  await read(id, { organizations: [{ id: second }, { id: first }] }, "with both organizations");
  await call("an association", "deleteUserOrganizationAssociationUsingDelete", { orgid: second, userid: id });
  await read(id, { organizations: [{ id: first }] }, "with one organization");
  await call("an association that is not there", "deleteUserOrganizationAssociationUsingDelete", { orgid: second, userid: id }, undefined, 404);
  await call("of an unknown organization", "createUserOrganizationAssociationUsingPost", { orgid: "none", userid: id }, undefined, 404);
  await call("none", "modifyUserAuthorizationGroupAssociationsUsingPut", { userid: id, body: [] });
  await read(id, { groups: [] }, "without groups");
  await call("one", "modifyUserAuthorizationGroupAssociationsUsingPut", { userid: id, body: [group] });
  await read(id, { groups: [{ id: group }] }, "with a group");
  await call("unknown", "userUsingGet", { id: "none" }, undefined, 404);
  return id;
}

async function batches() {
  const person = (name, more = {}) => ({ userId: `${name}@many.example`, lastName: name, externalId: `many:${name}`, ...quiet, ...more });
  const made = await call("three, one of them bad", "createUsersUsingPost", { createUsersParms: { users: [person("bo"), { firstName: "x" }, person("cy")] } }, [{ success: true, user: { userId: "bo@many.example" } }, { success: false, error: { errorCode: text } }, { success: true, user: { id: text } }]);
  await call("stop at the bad one", "createUsersUsingPost", { createUsersParms: { stopOnError: true, users: [{ firstName: "x" }, person("di")] } }, [{ success: false }]);
  const ids = [made?.[0]?.user?.id, made?.[2]?.user?.id];
  const parms = (firstName) => ({ parms: { firstName } });
  await call("by each kind of id", "updateUsersUsingPut", { updateUsersParms: { users: [{ id: ids[0], ...parms("Bo") }, { id: "cy@many.example", idType: "USERID", ...parms("Cy") }, { id: "many:none", idType: "EXTERNALID", ...parms("No") }] } }, [{ success: true }, { success: true }, { success: false, error: { errorMessage: text } }]);
  await read(ids[0], { firstName: "Bo" }, "changed with others");
  await read(ids[1], { firstName: "Cy" }, "changed by user id");
  const search = { limit: 2, attributes: ["groups", "organizations", "userAliases", "userAttributeValues"], searchByAttributes: [{ name: "userId", operator: "ENDS_WITH", value: "@many.example" }], orderByAttribute: { name: "userId", ascending: false } };
  await call("search", "usersPagedUsingPost", { searchParms: search }, { results: [{ userId: "cy@many.example", groups: [] }, { userId: "bo@many.example" }], paging: { limit: 2, nextCursor: (value) => !value } });
  const page = await call("first page", "usersPagedUsingPost", { searchParms: { ...search, limit: 1 } }, { results: [{ id: ids[1] }], paging: { nextCursor: text } });
  await call("second page", "usersPagedUsingPost", { searchParms: { limit: 1, cursor: page?.paging?.nextCursor } }, { results: [{ id: ids[0] }] });
  await call("an unknown search attribute", "usersPagedUsingPost", { searchParms: { searchByAttributes: [{ name: "email", operator: "EQUALS", value: "x" }] } }, undefined, 400);
  const operation = await call("begin", "usersPagedAsyncUsingPost", { searchParms: search }, { id: text, state: (value) => ["SCHEDULED", "PROCESSING", "COMPLETED"].includes(value) });
  await call("state", "usersPagedAsyncStatusUsingGet", { id: operation?.id }, { id: operation?.id, state: "COMPLETED" });
  await call("found", "usersPagedAsyncResultUsingGet", { id: operation?.id }, { results: [{ id: ids[1] }, { id: ids[0] }] });
  await call("unknown", "usersPagedAsyncStatusUsingGet", { id: "none" }, undefined, 404);
  await call("one of them unknown", "deleteUsersUsingDelete", { deleteUsersParms: { users: [{ id: ids[0], idType: "UUID" }, { id: "none" }, { id: "many:cy", idType: "EXTERNALID" }] } }, [{ success: true }, { success: false }, { success: true }]);
  await call("deleted with others", "userUsingGet", { id: ids[1] }, undefined, 404);
}

async function searches(id, group, organization) {
  for (const [name, operator, value] of [["groupId", "EQUALS", group], ["organizationId", "EQUALS", organization], ["state", "EQUALS", "INACTIVE"], ["userType", "EQUALS", "LOCAL"], ["userId", "EQUALS", "ana"], ["registrationRequired", "EQUALS", "false"], ["passwordCompromised", "EQUALS", "false"], ["lastAuthTime", "NOT_EXISTS", ""], ["authenticator", "NOT_EQUALS", "FIDO"]])
    await call(`search by ${name}`, "usersPagedUsingPost", { searchParms: { searchByAttributes: [{ name, operator, value }] } }, { results: [{ id }] });
  for (const [name, operator, value] of [["groupId", "EQUALS", "none"], ["roleId", "EQUALS", "none"], ["authenticator", "EQUALS", "FIDO"], ["passwordExpirationTime", "EXISTS", ""]])
    await call(`search by ${name} finds nobody`, "usersPagedUsingPost", { searchParms: { searchByAttributes: [{ name, operator, value }] } }, { results: [] });
}

async function webhooks(id, group) {
  const parms = (more) => ({ webhookParms: { name: "sdk", callbackUrl, enabled: true, events: [{ type: "user.updated" }], expiry: 0, ...more } });
  const ours = (more = {}) => ({ id: text, name: "sdk", callbackUrl, enabled: true, expired: false, ...more });
  const plain = await call("new", "createWebhookUsingPost", parms({}), ours({ token: text, events: [{ id: text, type: "user.updated" }] }));
  await call("one", "readWebhookUsingGet", { id: plain?.id }, ours({ events: [{ type: "user.updated" }] }));
  await call("all", "getWebhooksUsingGet", {}, [{ id: plain?.id }]);
  await call("no HTTPS", "createWebhookUsingPost", parms({ callbackUrl: "ftp://x" }), undefined, 400);
  await call("an unknown event", "createWebhookUsingPost", parms({ events: [{ type: "user.gone" }] }), undefined, 400);
  await call("to its target", "testWebhookUsingPost", { id: plain?.id, webhookTestParms: {} });
  await call("to another target", "testWebhookUsingPost", { id: plain?.id, webhookTestParms: { callbackUrl: `${callbackUrl}/other` } });
  const filter = JSON.stringify([{ groupId: group }]), strange = JSON.stringify([{ groupId: "none" }]);
  const filtered = await call("with an event filter", "createWebhookUsingPost", parms({ name: "mine", events: [{ type: "user.updated", filter }] }), { events: [{ type: "user.updated", filter }] });
  const others = await call("with a filter of another group", "createWebhookUsingPost", parms({ name: "others", events: [{ type: "user.updated", filter: strange }] }), { events: [{ filter: strange }] });
  const every = await call("without events", "createWebhookUsingPost", parms({ name: "every", events: undefined, expiry: 3 }), { name: "every", expiryDate: text, id: text });
  await call("without events", "readWebhookUsingGet", { id: every?.id }, { name: "every" });
  events.length = 0;
  await call("heard", "updateUserUsingPut", { id, userParms: { firstName: "Anne" } });
  await fetch(`${address}/_control/idle`, { method: "POST" });
  const heard = events.filter((one) => one.type === "user.updated" && one.data.entityId === id);
  note("delivery of user.updated", heard.length === 3, "to the plain hook, the hook of the user's group and the hook of all events", events.map((one) => one.type));
  await call("other events, disabled", "updateWebhookUsingPut", { id: plain?.id, ...parms({ enabled: false, events: [{ type: "user.deleted" }] }) }, ours({ enabled: false, events: [{ type: "user.deleted" }] }));
  await call("changed", "readWebhookUsingGet", { id: plain?.id }, { enabled: false });
  await call("a filter taken away", "updateWebhookUsingPut", { id: filtered?.id, ...parms({ name: "mine" }) }, { events: [{ type: "user.updated", filter: (value) => value === undefined }] });
  for (const one of [plain, filtered, others, every]) await call("one", "deleteWebhookUsingDelete", { id: one?.id });
  await call("deleted", "readWebhookUsingGet", { id: plain?.id }, undefined, 404);
  await call("none left", "getWebhooksUsingGet", {}, []);
}

async function audit(id) {
  const since = { name: "eventTime", operator: "GREATER_THAN_OR_EQUAL", value: "2020-01-01T00:00:00" };
  await call("of users", "auditEventPageUsingPost", { searchParms: { limit: 100, searchByAttributes: [since, { name: "entityType", operator: "EQUALS", value: "USERS" }], orderByAttribute: { name: "eventTime", ascending: false } } }, { results: (rows) => rows.some((row) => row.entityId === id && row.entityAction === "EDIT") });
  const oldest = [{ name: "startTime", operator: "GREATER_THAN_OR_EQUAL", value: "2020-01-01T00:00:00Z" }, { name: "category", operator: "EQUALS", value: "MANAGEMENT" }, { name: "outcome", operator: "EQUALS", value: "SUCCESS" }];
  const page = await call("first page", "siemAuditEventPageUsingPost", { searchParms: { limit: 5, searchByAttributes: oldest } }, { results: (rows) => rows.length === 5, paging: { nextCursor: text } });
  await call("next page", "siemAuditEventPageUsingPost", { searchParms: { limit: 5, cursor: page?.paging?.nextCursor } }, { results: (rows) => rows.length === 5 && rows[0].id !== page.results[0].id });
  await call("without a start time", "siemAuditEventPageUsingPost", { searchParms: { limit: 5 } }, undefined, 400);
}

async function ended(id) {
  await call("one", "deleteUserUsingDelete", { id });
  await call("deleted", "userUsingGet", { id }, undefined, 404);
  await call("deleted", "deleteUserUsingDelete", { id }, undefined, 404);
}

// Every other function of the SDK answers 404, so everything that is served is checked above.
async function rest404() {
  const names = Object.keys(sdk).filter((name) => operations.has(name.toLowerCase()) && !driven.has(name));
  for (const name of names) {
    const anything = new Proxy({}, { get: (_target, key) => (/parms|request|body/i.test(String(key)) ? {} : "1") });
    let answer;
    try {
      answer = await asked(name, anything);
    } catch (error) {
      answer = { status: String(error) };
    }
    const outcome = answer.status === 404 ? "not served" : "wrong";
    calls.push({ name, outcome, expected: "a check, or 404", got: `${answer.status} ${shown(answer.data)}` });
  }
}

try {
  await signIn();
  const attribute = await attributes(), group = await groups(), both = await organizations();
  const id = await users(attribute, group, both);
  await searches(id, group, both[0]);
  await batches();
  await webhooks(id, group);
  await audit(id);
  await ended(id);
  await rest404();
  process.stdout.write(JSON.stringify(calls));
} finally {
  target.close();
  target.closeAllConnections();
}
