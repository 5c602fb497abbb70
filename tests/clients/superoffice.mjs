// Drives a SuperOffice simulator with the vendor's npm package @superoffice/webapi, unchanged, and prints its calls as
// JSON: node superoffice.mjs FOLDER ADDRESS, where FOLDER has the package installed.

import { createRequire } from "node:module";
import { createServer } from "node:http";

process.env.TZ = "Europe/Oslo"; // the tenant's zone: the client reads times without an offset as local ones
const [folder, address] = process.argv.slice(2);
const { WebApi, ...api } = createRequire(`${folder}/package.json`)("@superoffice/webapi");
const calls = [];
const driven = new Set();

// Returns the parts of `wanted` that the answer lacks: partial for objects, whole for lists; functions decide, {any: [...]}
// names properties that must be there.
function missing(got, wanted, path = "answer") {
  if (typeof wanted === "function") return wanted(got) ? [] : [`${path} is ${shown(got)}`];
  if (wanted instanceof Date) return got instanceof Date && got.getTime() === wanted.getTime() ? [] : [`${path} is ${shown(got)}`];
  if (Array.isArray(wanted)) {
    if (!Array.isArray(got) || got.length !== wanted.length) return [`${path} is ${shown(got)}`];
    return wanted.flatMap((one, place) => missing(got[place], one, `${path}[${place}]`));
  }
  if (wanted && typeof wanted === "object") {
    if (!got || typeof got !== "object") return [`${path} is ${shown(got)}`];
    return Object.entries(wanted).flatMap(([name, one]) => missing(got[name], one, `${path}.${name}`));
  }
  return got === wanted ? [] : [`${path} is ${shown(got)}`];
}

function shown(value) {
  const text = value instanceof Error ? told(value) : JSON.stringify(value);
  return String(text).slice(0, 300);
}

function told(error) {
  return error.response ? `HTTP ${error.response.status} ${JSON.stringify(error.response.data ?? "").slice(0, 200)}` : String(error);
}

function described(wanted) {
  return JSON.stringify(wanted, (_name, one) => (typeof one === "function" ? one.name || "as judged" : one));
}

async function call(name, run, wanted) {
  let got;
  try {
    got = await run();
  } catch (error) {
    calls.push({ name, outcome: "wrong", expected: described(wanted) ?? "no result", got: told(error) });
    return undefined;
  }
  const bad = missing(got, wanted);
  const outcome = bad.length ? "wrong" : "right";
  calls.push({ name, outcome, expected: described(wanted) ?? "no result", got: bad.length ? bad.join("; ") : shown(got) });
  return got;
}

async function refused(name, run, status) {
  let got;
  try {
    got = shown(await run());
  } catch (error) {
    got = told(error);
    if (error.response?.status === status) return calls.push({ name, outcome: "right", expected: `HTTP ${status}`, got });
  }
  return calls.push({ name, outcome: "wrong", expected: `HTTP ${status}`, got });
}

const number = (value) => Number.isInteger(value) && value > 0;
const nothing = (value) => value === "" || value === null || value === undefined;
const date = (value) => value instanceof Date && !Number.isNaN(value.getTime());
const ids = (key, ...wanted) =>
  Object.defineProperty((rows) => Array.isArray(rows) && rows.length === wanted.length && wanted.every((one) => rows.some((row) => row[key] === one)), "name", {
    value: `rows with ${key} ${wanted}`,
  });
const holds = (judge) => Object.defineProperty(judge, "name", { value: String(judge) });

// An agent that notes which of its methods were called.
function agent(word, of = webapi) {
  const real = of[`get${word}Agent`]();
  return new Proxy(real, {
    get(target, name) {
      if (typeof target[name] === "function") driven.add(`${word}.${String(name)}`);
      return typeof target[name] === "function" ? target[name].bind(target) : target[name];
    },
  });
}

async function token() {
  const form = new URLSearchParams({ grant_type: "refresh_token", client_id: "sandbox-client", client_secret: "sandbox-secret", refresh_token: "sandbox-refresh" });
  const answer = await fetch(`${address}/login/common/oauth/tokens`, { method: "POST", body: form });
  return (await answer.json()).access_token;
}

// A target of webhooks: always answers 200 and keeps the callbacks.
const events = [];
const target = createServer((request, response) => {
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", () => {
    events.push({ headers: request.headers, body: JSON.parse(body) });
    response.end();
  });
});
await new Promise((ready) => target.listen(0, "127.0.0.1", ready));
const targetUrl = `http://127.0.0.1:${target.address().port}/hook`;

const config = { headers: { Authorization: `Bearer ${await token()}` } };
const webapi = new WebApi(`${address}/Cust00001`, config, "en");
// A new client each time, because a condition (If-Unmodified-Since) stays in a client's configuration.
const rest = (name) => new api[`${name}RestApi`](`${address}/Cust00001`, { headers: { ...config.headers } }, "en");
const made = {};

async function restResources() {
  const samples = {
    Contact: [{ name: "Fjord AS", department: "Oslo", orgNr: "911", number1: "F-1", emails: [{ value: "post@fjord.example", description: "office" }], phones: [{ value: "+47 22 33" }], address: { street: { address1: "Kai 1", city: "Oslo", zipcode: "0150" } }, category: { id: 1 }, country: { countryId: 1 }, customFields: { "SuperOffice:1": "key-1", "SuperOffice:3": "[I:42]" } },
      { name: "Fjord AS", department: "Oslo", orgNr: "911", number1: "F-1", emails: [{ value: "post@fjord.example", description: "office" }], phones: [{ value: "+47 22 33", strippedValue: "472233" }], address: { street: { address1: "Kai 1", city: "Oslo", zipcode: "0150" } }, category: { id: 1, value: "Customer" }, country: { countryId: 1, twoLetterISOCountry: "NO" }, createdDate: date, updatedDate: date, createdBy: { associateId: 3 }, customFields: holds((fields) => fields["SuperOffice:1"] === "key-1" && fields["SuperOffice:3"] === "[I:42]") },
      "name", "Fjord Group AS"],
    Person: [() => ({ firstname: "Ana", lastname: "Nilsen", contact: { contactId: made.Contact }, emails: [{ value: "ana@fjord.example" }], mobilePhones: [{ value: "99" }], position: { id: 1 }, birthDate: new Date("1990-05-04") }),
      () => ({ firstname: "Ana", lastname: "Nilsen", fullName: "Ana Nilsen", contact: { contactId: made.Contact, name: "Fjord Group AS" }, emails: [{ value: "ana@fjord.example" }], mobilePhones: [{ value: "99" }], position: { id: 1 }, birthDate: new Date("1990-05-04") }),
      "title", "CTO"],
    Project: [{ name: "Harbour", projectNumber: "P-1", description: "a fair", projectType: { id: 1 }, projectStatus: { id: 2 }, endDate: new Date("2030-02-03T00:00:00"), urls: [{ value: "https://harbour.example" }] },
      { name: "Harbour", projectNumber: "P-1", description: "a fair", projectType: { id: 1 }, projectStatus: { id: 2 }, endDate: new Date("2030-02-03T00:00:00"), urls: [{ value: "https://harbour.example" }], completed: false },
      "name", "Harbour 2"],
    Sale: [() => ({ heading: "Cranes", amount: 1200.5, saledate: new Date("2030-03-01T00:00:00"), contact: { contactId: made.Contact }, person: { personId: made.Person }, project: { projectId: made.Project }, currency: { id: 2 }, saleType: { id: 1 }, probability: 40, status: "Open" }),
      () => ({ heading: "Cranes", amount: 1200.5, saledate: new Date("2030-03-01T00:00:00"), contact: { contactId: made.Contact }, person: { personId: made.Person }, project: { projectId: made.Project }, currency: { id: 2 }, saleType: { id: 1 }, probability: 40, status: "Open" }),
      "heading", "Two cranes"],
    Appointment: [() => ({ title: "Call", description: "about cranes", startDate: new Date("2030-01-05T10:00:00Z"), endDate: new Date("2030-01-05T11:00:00Z"), type: "inDiary", task: { taskListItemId: 2 }, contact: { contactId: made.Contact }, person: { personId: made.Person }, sale: { saleId: made.Sale }, project: { projectId: made.Project } }),
      () => ({ title: "Call", description: "about cranes", startDate: date, endDate: date, type: "inDiary", task: { taskListItemId: 2, value: "Phone call" }, contact: { contactId: made.Contact }, person: { personId: made.Person }, sale: { saleId: made.Sale }, project: { projectId: made.Project }, completed: "NotStarted" }),
      "title", "Long call"],
  };
  for (const [name, [body, wanted, field, value]] of Object.entries(samples)) {
    const entity = rest(name), key = `${name.toLowerCase()}Id`;
    const given = typeof body === "function" ? body() : body, held = typeof wanted === "function" ? wanted() : wanted;
    const fresh = await call(`REST ${name} getDefault`, () => entity.getDefaultAsync(), { [key]: 0, associate: { associateId: 3 } });
    const kept = await call(`REST ${name} post`, () => entity.postAsync({ ...fresh, ...given }), { ...held, [key]: number });
    made[name] = kept?.[key];
    const read = await call(`REST ${name} getById`, () => entity.getByIdAsync(made[name]), { ...held, [key]: made[name] });
    await call(`REST ${name} getById not modified`, () => rest(name).getByIdAsync(made[name], { ifModifiedSince: new Date(Date.now() + 60000) }), nothing);
    await call(`REST ${name} putById`, () => entity.putByIdAsync(made[name], { ...read, [field]: `${value} (put)` }), { ...held, [key]: made[name], [field]: `${value} (put)` });
    await refused(`REST ${name} putById after a change`, () => rest(name).putByIdAsync(made[name], read, { ifUnmodifiedSince: new Date(Date.now() - 3600000) }), 412);
    await call(`REST ${name} patchById operations`, () => entity.patchByIdAsync(made[name], [{ op: "test", path: `/${field}`, value: `${value} (put)` }, { op: "replace", path: `/${field}`, value }]), { [key]: made[name], [field]: value });
    await refused(`REST ${name} patchById of a failed test`, () => entity.patchByIdAsync(made[name], [{ op: "test", path: `/${field}`, value: "other" }]), 409);
    await call(`REST ${name} patchById entity`, () => entity.patchByIdAsync(made[name], { [field]: value }), { [key]: made[name], [field]: value });
    await refused(`REST ${name} getById unknown`, () => entity.getByIdAsync(987654), 404);
    const spare = await call(`REST ${name} post a second`, () => entity.postAsync({ ...given, [field]: "spare" }), { [key]: number, [field]: "spare" });
    await call(`REST ${name} deleteById`, () => entity.deleteByIdAsync(spare?.[key]), nothing);
    await refused(`REST ${name} getById deleted`, () => entity.getByIdAsync(spare?.[key]), 404);
  }
}

// The methods of every agent of an entity: default, save, read, small carriers, list, validation, numbers, delete.
async function commonOf(word, title, body, field, carrier, numbered) {
  const one = agent(word), key = `${word.toLowerCase()}Id`, noun = `${word}Entity`;
  const fresh = await call(`${word} createDefault${noun}`, () => one[`createDefault${noun}Async`](), { [key]: 0 });
  const saved = await call(`${word} save${noun} new`, () => one[`save${noun}Async`]({ ...fresh, ...body }), { [key]: number, [field]: title });
  const id = saved?.[key];
  await call(`${word} get${noun}`, () => one[`get${noun}Async`](id), { [key]: id, [field]: title, updatedDate: date });
  await call(`${word} save${noun} changed`, () => one[`save${noun}Async`]({ ...saved, [field]: `${title}!` }), { [key]: id, [field]: `${title}!` });
  await call(`${word} get${noun} changed`, () => one[`get${noun}Async`](id), { [key]: id, [field]: `${title}!` });
  await call(`${word} get${word}`, () => one[`get${word}Async`](id), { [key]: id, associateId: 3, associateFullName: "Sandbox System User", ...carrier });
  await call(`${word} get${word}List`, () => one[`get${word}ListAsync`]([id, 987654]), [{ [key]: id }]);
  await call(`${word} get${noun} unknown`, () => one[`get${noun}Async`](987654), nothing);
  const required = { Contact: "Name", Project: "Name" }[word];
  await call(`${word} validate${noun}`, () => one[`validate${noun}Async`]({ [field]: "x" }), holds((found) => Object.keys(found ?? { x: 1 }).length === 0));
  if (required) await call(`${word} validate${noun} empty`, () => one[`validate${noun}Async`]({}), holds((found) => Boolean(found?.Name)));
  if (numbered) {
    await call(`${word} isNumberValid free`, () => one.isNumberValidAsync(0, "free-1"), true);
    await call(`${word} isNumberValid taken`, () => one.isNumberValidAsync(0, numbered), false);
    await call(`${word} isNumberValid own`, () => one.isNumberValidAsync(id, numbered), true);
  }
  return [one, id];
}

async function gone(one, word, id) {
  const noun = `${word}Entity`;
  await call(`${word} delete${noun}`, () => one[`delete${noun}Async`](id), nothing);
  await call(`${word} get${noun} deleted`, () => one[`get${noun}Async`](id), nothing);
}

async function companies() {
  const body = { name: "Dahl AS", department: "North", number1: "D-1", emails: [{ value: "post@dahl.example" }], phones: [{ value: "111" }], urls: [{ value: "https://dahl.example" }], domains: ["dahl.example"], address: { street: { address1: "Vei 2", city: "Bergen" } }, category: { id: 2 }, business: { id: 1 }, country: { countryId: 1 } };
  const carrier = { name: "Dahl AS!", department: "North", fullName: "Dahl AS!, North", emailAddress: "post@dahl.example", directPhone: "111", city: "Bergen", uRL: "https://dahl.example", categoryName: "Prospect", businessName: "IT", countryId: 1, number1: "D-1" };
  const [one, id] = await commonOf("Contact", "Dahl AS", body, "name", carrier, "D-1");
  const person = await call("Contact addPerson", () => one.addPersonAsync(id, { firstname: "Per", lastname: "Dahl" }), { personId: number, lastname: "Dahl", contact: { contactId: id } });
  await call("Contact getPersons", () => one.getPersonsAsync(id), [{ personId: person?.personId, fullName: "Per Dahl", contactId: id, contactName: "Dahl AS!" }]);
  await call("Contact getContactWithPersons", () => one.getContactWithPersonsAsync(id), { contactId: id, persons: [{ personId: person?.personId }] });
  await call("Contact getAddress", () => one.getAddressAsync(id), { street: { address1: "Vei 2", city: "Bergen" } });
  await call("Contact getAddressByCountry", () => one.getAddressByCountryAsync(id, 2), { street: { address1: "Vei 2" } });
  await call("Contact changeCountry", () => one.changeCountryAsync({ contactId: id, name: "Dahl AS!" }, 2), { contactId: id, country: { countryId: 2 } });
  await call("Contact getContactEntity after changeCountry", () => one.getContactEntityAsync(id), { country: { countryId: 1 } });
  await call("Contact getMyContacts", () => one.getMyContactsAsync(), holds((rows) => rows?.some((row) => row.contactId > 0)));
  await call("Contact getMyContact", () => one.getMyContactAsync(), nothing);
  await call("Contact getMyBizCard", () => one.getMyBizCardAsync(), nothing);
  await call("Contact createDefaultPreviewContact", () => one.createDefaultPreviewContactAsync(), { contactId: 0, name: "" });
  await call("Contact getPreviewContact", () => one.getPreviewContactAsync(id), { contactId: id, name: "Dahl AS!", emailAddress: "post@dahl.example", address: { street: { city: "Bergen" } } });
  await call("Contact getContactSummary", () => one.getContactSummaryAsync(made.Contact, 5), { contact: { contactId: made.Contact }, sales: [{ saleId: made.Sale, heading: "Two cranes" }], followups: [{ appointmentId: made.Appointment }] });
  await call("Contact getDuplicates", () => one.getDuplicatesAsync("dahl as!"), [{ soPrimaryKey: id, entryName: "Dahl AS!" }]);
  await call("Contact getNameDepartmentDuplicates", () => one.getNameDepartmentDuplicatesAsync("Dahl AS!", "North"), [{ soPrimaryKey: id }]);
  await call("Contact getNameDepartmentDuplicates elsewhere", () => one.getNameDepartmentDuplicatesAsync("Dahl AS!", "South"), []);
  await call("Contact getDomainDuplicates", () => one.getDomainDuplicatesAsync("dahl.example"), [{ soPrimaryKey: id }]);
  const rules = await call("Contact getDuplicateRules", () => one.getDuplicateRulesAsync(), [{ name: "NameDepartment", isActive: true }, { name: "Domain", isActive: true }]);
  await call("Contact setDuplicateRulesStatus", () => one.setDuplicateRulesStatusAsync([{ ...rules?.[1], isActive: false }]), nothing);
  await call("Contact getDuplicateRules changed", () => one.getDuplicateRulesAsync(), [{ isActive: true }, { name: "Domain", isActive: false }]);
  const entry = await call("Contact createNewEntry", () => one.createNewEntryAsync({ entryName: "From outside" }), number);
  await call("Contact getContact of the new entry", () => one.getContactAsync(entry), { name: "From outside" });
  const copy = await call("Contact copy", () => one.copyAsync(id, "Dahl copy", "South", true), number);
  await call("Contact getContactWithPersons of the copy", () => one.getContactWithPersonsAsync(copy), { name: "Dahl copy", department: "South", emails: [{ value: "post@dahl.example" }], persons: [{ lastname: "Dahl" }] });
  await call("Contact merge", () => one.mergeAsync(copy, id, false, false), nothing);
  await call("Contact getContactEntity merged", () => one.getContactEntityAsync(copy), nothing);
  await call("Contact getPersons after merge", () => one.getPersonsAsync(id), holds((rows) => rows?.length === 2));
  await gone(one, "Contact", entry);
  await call("Contact undelete", () => one.undeleteAsync(entry), nothing);
  await call("Contact getContactEntity restored", () => one.getContactEntityAsync(entry), { contactId: entry, name: "From outside" });
  await call("Contact deleteExpired", () => one.deleteExpiredAsync(), nothing);
  await call("Contact getContactEntity with $select", () => webapi.getContactAgent().getContactEntityAsync(`${id}&$select=name`), { contactId: id, name: "Dahl AS!", department: null });
  return id;
}

async function people(company) {
  const body = { firstname: "Kim", lastname: "Berg", personNumber: "K-1", contact: { contactId: company }, emails: [{ value: "kim@dahl.example" }], officePhones: [{ value: "222" }], mobilePhones: [{ value: "333" }], address: { street: { city: "Bodo" } } };
  const carrier = { firstname: "Kim", lastname: "Berg!", fullName: "Kim Berg!", contactId: company, contactName: "Dahl AS!", contactDepartment: "North", email: "kim@dahl.example", directPhone: "222", mobilePhone: "333", retired: 0 };
  delete carrier.associateFullName;
  const one = agent("Person");
  const fresh = await call("Person createDefaultPersonEntity", () => one.createDefaultPersonEntityAsync(), { personId: 0 });
  const saved = await call("Person savePersonEntity new", () => one.savePersonEntityAsync({ ...fresh, ...body }), { personId: number, lastname: "Berg", contact: { contactId: company } });
  const id = saved?.personId;
  await call("Person getPersonEntity", () => one.getPersonEntityAsync(id), { personId: id, fullName: "Kim Berg", updatedDate: date });
  await call("Person savePersonEntity changed", () => one.savePersonEntityAsync({ ...saved, lastname: "Berg!" }), { personId: id, lastname: "Berg!", emails: [{ value: "kim@dahl.example" }] });
  await call("Person getPerson", () => one.getPersonAsync(id), { personId: id, ...carrier });
  await call("Person getPersonList", () => one.getPersonListAsync([id, 987654]), [{ personId: id }]);
  await call("Person getPersonEntity unknown", () => one.getPersonEntityAsync(987654), nothing);
  await call("Person validatePersonEntity", () => one.validatePersonEntityAsync({ lastname: "x" }), holds((found) => Object.keys(found ?? { x: 1 }).length === 0));
  await call("Person isNumberValid taken", () => one.isNumberValidAsync(0, "K-1"), false);
  await call("Person isNumberValid free", () => one.isNumberValidAsync(0, "K-2"), true);
  await call("Person getPersonsFromContact", () => one.getPersonsFromContactAsync(company), holds((rows) => rows?.some((row) => row.personId === id)));
  await call("Person getMyPerson", () => one.getMyPersonAsync(), nothing);
  await call("Person getColleagues", () => one.getColleaguesAsync(), []);
  await call("Person getPhones", () => one.getPhonesAsync(id), [{ value: "222" }, { value: "333" }]);
  await call("Person getAddress", () => one.getAddressAsync(id), { street: { city: "Bodo" } });
  await call("Person getAddressByCountry", () => one.getAddressByCountryAsync(id, 1), { street: { city: "Bodo" } });
  await call("Person changeCountry", () => one.changeCountryAsync({ personId: id, lastname: "Berg!" }, 2), { personId: id, country: { countryId: 2 } });
  await call("Person createDefaultByContactId", () => one.createDefaultByContactIdAsync(company), { personId: 0, contact: { contactId: company } });
  await call("Person addEmailAddressToPerson", () => one.addEmailAddressToPersonAsync(id, "first@dahl.example", true), nothing);
  await call("Person getPersonEntity with the address", () => one.getPersonEntityAsync(id), { emails: [{ value: "first@dahl.example" }, { value: "kim@dahl.example" }] });
  await call("Person resolvePersonFromInfo known", () => one.resolvePersonFromInfoAsync(company, "Kim Berg!", [], []), { personCreated: false, person: { personId: id } });
  const other = await call("Person resolvePersonFromInfo new", () => one.resolvePersonFromInfoAsync(company, "Liv Moe", ["444"], ["liv@dahl.example"]), { personCreated: true, person: { personId: number, firstname: "Liv", lastname: "Moe", emails: [{ value: "liv@dahl.example" }] } });
  await call("Person getPersonSummary", () => one.getPersonSummaryAsync(made.Person, 5), { person: { personId: made.Person }, sales: [{ saleId: made.Sale }], followups: [{ appointmentId: made.Appointment }] });
  await call("Person move", () => one.moveAsync(id, made.Contact, new Date()), nothing);
  await call("Person getPersonEntity moved", () => one.getPersonEntityAsync(id), { contact: { contactId: made.Contact } });
  await call("Person merge", () => one.mergeAsync(other?.person?.personId, id, new Date(), true, false), nothing);
  await call("Person getPersonEntity merged", () => one.getPersonEntityAsync(other?.person?.personId), nothing);
  await gone(one, "Person", id);
  await call("Person undelete", () => one.undeleteAsync(id), nothing);
  await call("Person getPersonEntity restored", () => one.getPersonEntityAsync(id), { personId: id });
  await call("Person deleteExpired", () => one.deleteExpiredAsync(), nothing);
}

async function sales(company) {
  const day = (text) => new Date(`${text}T00:00:00Z`), past = day("2020-05-01"), future = day("2031-05-01");
  const body = { heading: "Ropes", number: "S-1", amount: 500, probability: 50, saledate: future, contact: { contactId: company }, saleType: { id: 1 }, currency: { id: 1 } };
  const [one, id] = await commonOf("Sale", "Ropes", body, "heading", { title: "Ropes!", amount: 500, weightedAmount: 250, contactId: company, contactName: "Dahl AS!", currency: "NOK", status: "Open", saleTypeName: "Standard sale" }, "S-1");
  const old = await call("Sale saveSaleEntity overdue", () => one.saveSaleEntityAsync({ heading: "Old", amount: 80, probability: 10, saledate: past, contact: { contactId: company } }), { saleId: number, status: "Open" });
  const mine = (...wanted) => ids("saleId", ...wanted);
  await call("Sale getSalesFromContact", () => one.getSalesFromContactAsync(company, false), mine(id, old?.saleId));
  await call("Sale getOpenSalesForContact", () => one.getOpenSalesForContactAsync(company), mine(id, old?.saleId));
  await call("Sale getSalesFromPerson", () => one.getSalesFromPersonAsync(made.Person, true), mine(made.Sale));
  await call("Sale getMyOpportunities", () => one.getMyOpportunitiesAsync(10), holds((rows) => rows?.length === 0 || rows?.every((row) => row.status === "Open")));
  await call("Sale getSalesByDate", () => one.getSalesByDateAsync(day("2031-01-01"), day("2031-12-31"), 100, "Open"), mine(id));
  await call("Sale getUpcomingSales", () => one.getUpcomingSalesAsync(0, 10), holds((rows) => Array.isArray(rows) && rows.every((row) => row.saleDate > new Date())));
  await call("Sale getSummaryByContact", () => one.getSummaryByContactAsync(company, day("2019-01-01"), day("2039-01-01")), { open: 2, openTotalBaseCurrency: 580, openWeightedBaseCurrency: 258, currentOverdue: 1, futureOpen: 1, sold: 0 });
  await call("Sale getSummaryByAssociate", () => one.getSummaryByAssociateAsync(3, day("2019-01-01"), day("2039-01-01")), { open: holds(Number.isInteger) });
  await call("Sale getSummaryByGroup", () => one.getSummaryByGroupAsync(1, day("2031-01-01"), day("2031-12-31")), { open: 1, openTotalOwnCurrency: 500 });
  await call("Sale createDefaultSaleSummary", () => one.createDefaultSaleSummaryAsync(), { open: 0, sold: 0 });
  await call("Sale setAsSold", () => one.setAsSoldAsync([id]), nothing);
  await call("Sale getSaleEntity sold", () => one.getSaleEntityAsync(id), { status: "Sold" });
  await call("Sale getRecentSales", () => one.getRecentSalesAsync(0, 10), holds((rows) => Array.isArray(rows) && rows.every((row) => row.status === "Sold")));
  await call("Sale setAsLostWithReason", () => one.setAsLostWithReasonAsync([old?.saleId], 2), nothing);
  await call("Sale getSaleEntity lost", () => one.getSaleEntityAsync(old?.saleId), { status: "Lost", reason: { id: 2 } });
  await call("Sale setAsSoldWithReason", () => one.setAsSoldWithReasonAsync([old?.saleId], 1), nothing);
  await call("Sale setAsLost", () => one.setAsLostAsync([id]), nothing);
  await call("Sale getSaleEntity sold and lost", () => one.getSaleEntityAsync(id), { status: "Lost" });
  await call("Sale getOpenSalesForContact none", () => one.getOpenSalesForContactAsync(company), []);
  await call("Sale getNextDueDate", () => one.getNextDueDateAsync(id), holds((value) => value === null || date(value) || typeof value === "string"));
  await call("Sale batchUpdateNextDueDate", () => one.batchUpdateNextDueDateAsync(), nothing);
  for (const word of ["hasGuide", "hasGuideActivities", "hasStakeholderSetting", "saleHasQuote"]) await call(`Sale ${word}`, () => one[`${word}Async`](id), false);
  await gone(one, "Sale", id);
}

async function projects() {
  const body = { name: "Quay", projectNumber: "Q-1", projectType: { id: 2 }, projectStatus: { id: 1 } };
  const [one, id] = await commonOf("Project", "Quay", body, "name", { name: "Quay!", projectNumber: "Q-1", typeId: 2, type: "Campaign", status: "Planning" }, "Q-1");
  await call("Project getProjectEntityWithoutMembers", () => one.getProjectEntityWithoutMembersAsync(id), { projectId: id, name: "Quay!" });
  await call("Project saveProjectEntityWithoutMembers", () => one.saveProjectEntityWithoutMembersAsync({ projectId: id, name: "Quay 2" }), { projectId: id, name: "Quay 2" });
  await call("Project setCompleted", () => one.setCompletedAsync(id, true), nothing);
  await call("Project getProjectEntity completed", () => one.getProjectEntityAsync(id), { completed: true });
  await call("Project getDuplicates", () => one.getDuplicatesAsync("Quay 2"), [{ soPrimaryKey: id }]);
  await call("Project getDuplicateRules", () => one.getDuplicateRulesAsync(), holds((rows) => rows?.length > 0 && typeof rows[0].isActive === "boolean"));
  await call("Project setDuplicateRulesStatus", () => one.setDuplicateRulesStatusAsync([{ name: "NameDepartment", isActive: true }]), nothing);
  const entry = await call("Project createNewEntry", () => one.createNewEntryAsync({ entryName: "Pier" }), number);
  await call("Project merge", () => one.mergeAsync(entry, id, false), nothing);
  await call("Project getProject merged", () => one.getProjectAsync(entry), nothing);
  await call("Project getMyProjects", () => one.getMyProjectsAsync(false), holds((rows) => Array.isArray(rows) && rows.every((row) => row.associateId === 3)));
  await call("Project hasGuide", () => one.hasGuideAsync(id), false);
  await call("Project hasGuideActivities", () => one.hasGuideActivitiesAsync(id), false);
  await call("Project getNextMilestone", () => one.getNextMilestoneAsync(id), nothing);
  await gone(one, "Project", id);
}

async function appointments(company) {
  const at = (text) => new Date(`2032-0${text}:00Z`), from = at("1-01T00:00".slice(0, 10)), to = at("9-01T00:00".slice(0, 10));
  const body = { title: "Visit", startDate: at("3-01T09:00"), endDate: at("3-01T10:00"), type: "inDiary", task: { taskListItemId: 1 }, contact: { contactId: company }, person: { personId: made.Person }, project: { projectId: made.Project }, associate: { associateId: 3 } };
  const [one, id] = await commonOf("Appointment", "Visit", body, "title", { title: "Visit!", contactId: company, contactName: "Dahl AS!", taskId: 1, task: "Meeting", type: "inDiary", completed: "NotStarted", startDate: date });
  const todo = await call("Appointment save", () => one.saveAsync({ title: "Write", type: "inChecklist", startDate: at("4-01T09:00"), endDate: at("4-01T09:30"), task: { taskListItemId: 3 }, contact: { contactId: company }, person: { personId: made.Person }, project: { projectId: made.Project }, associate: { associateId: 3 } }, "OnlyThis", false, undefined, undefined), { appointmentId: number, title: "Write", type: "inChecklist" });
  const other = todo?.appointmentId, both = ids("appointmentId", id, other), first = ids("appointmentId", id), second = ids("appointmentId", other);
  const links = { Contact: [company], Person: [made.Person, false], Project: [made.Project] };
  for (const [link, given] of Object.entries(links)) {
    const name = `get${link}Appointments`;
    await call(`Appointment ${name}`, () => one[`${name}Async`](...given, from, to, 10), both);
    await call(`Appointment ${name}ByType`, () => one[`${name}ByTypeAsync`](...given, from, to, 10, "inChecklist"), second);
    await call(`Appointment ${name}ByTask`, () => one[`${name}ByTaskAsync`](...given, from, to, 10, 1), first);
    await call(`Appointment ${name}ByTasks`, () => one[`${name}ByTasksAsync`](...given, from, to, 10, [1, 3]), both);
  }
  await call("Appointment getMyAppointments", () => one.getMyAppointmentsAsync(from, to, 10), both);
  await call("Appointment getMyAppointments one", () => one.getMyAppointmentsAsync(from, to, 1), first);
  await call("Appointment getMyDiary", () => one.getMyDiaryAsync(from, to, 10), first);
  await call("Appointment getMyTasks", () => one.getMyTasksAsync(10), second);
  await call("Appointment getPersonDiary", () => one.getPersonDiaryAsync(made.Person, from, to, 10), first);
  await call("Appointment getPersonTasks", () => one.getPersonTasksAsync(made.Person, 10), second);
  await call("Appointment getAssociateDiary", () => one.getAssociateDiaryAsync(3, from, to, 10), first);
  await call("Appointment getAssociatesDiary", () => one.getAssociatesDiaryAsync([3, 7], from, to), first);
  await call("Appointment getDiaryByGroup", () => one.getDiaryByGroupAsync(1, 0, from, to, 10), first);
  await call("Appointment getAssociatesDiary of others", () => one.getAssociatesDiaryAsync([7], from, to), []);
  const before = await call("Appointment getAppointmentEntity", () => one.getAppointmentEntityAsync(id), { startDate: date, endDate: date });
  const moved = await call("Appointment move", () => one.moveAsync(id, at("5-01T12:00"), "OnlyThis"), { appointmentId: id, startDate: date });
  calls.push({ name: "Appointment move keeps the length", outcome: moved?.endDate - moved?.startDate === 3600000 && before?.startDate < moved?.startDate ? "right" : "wrong", expected: "an hour", got: `${moved?.startDate} to ${moved?.endDate}` });
  await call("Appointment moveWithEmail", () => one.moveWithEmailAsync(id, at("5-02T12:00"), "OnlyThis", false, undefined, undefined), { appointmentId: id, startDate: date });
  await call("Appointment updateAppointmentWithModeAndEmail", () => one.updateAppointmentWithModeAndEmailAsync(id, at("5-03T12:00"), at("5-03T13:00"), "NotStarted", "inDiary", 3, "OnlyThis", false, undefined, undefined), { appointmentId: id, completed: "NotStarted" });
  await call("Appointment updateAppointment", () => one.updateAppointmentAsync(id, at("6-01T12:00"), at("6-01T13:00"), 2, 1, 7), { appointmentId: id, associateId: 7, completed: "Started" });
  await call("Appointment updateAppointmentWithMode", () => one.updateAppointmentWithModeAsync(id, at("6-02T12:00"), at("6-02T13:00"), "Completed", "inDiary", 3, "OnlyThis"), { appointmentId: id, associateId: 3, completed: "Completed" });
  await call("Appointment toggleAppointmentStatus", () => one.toggleAppointmentStatusAsync(id), "NotStarted");
  await call("Appointment convertAppointmentToTask", () => one.convertAppointmentToTaskAsync(id), { appointmentId: id, type: "inChecklist" });
  await call("Appointment createDefaultAppointmentEntityByType", () => one.createDefaultAppointmentEntityByTypeAsync("ToDo"), { appointmentId: 0, type: "inChecklist" });
  await call("Appointment createDefaultAppointmentEntityByTypeAndAssociate", () => one.createDefaultAppointmentEntityByTypeAndAssociateAsync("Appointment", 7), { type: "inDiary", associate: { associateId: 7 } });
  await call("Appointment getCanInsertForAssociates", () => one.getCanInsertForAssociatesAsync([3, 7]), [true, true]);
  await call("Appointment getAppointmentHaveParticipantsWithEmail", () => one.getAppointmentHaveParticipantsWithEmailAsync(id), false);
  await call("Appointment willSendEmail", () => one.willSendEmailAsync({ appointmentId: id }), false);
  await call("Appointment getTaskListItem", () => one.getTaskListItemAsync(2), { taskListItemId: 2, value: "Phone call", deleted: false });
  await call("Appointment getTaskListItems", () => one.getTaskListItemsAsync(false), ids("taskListItemId", 1, 2, 3));
  await call("Appointment delete", () => one.deleteAsync(other, "OnlyThis", false, undefined, undefined), nothing);
  await call("Appointment getAppointment deleted", () => one.getAppointmentAsync(other), nothing);
  await gone(one, "Appointment", id);
}

async function goods() {
  const one = agent("Quote");
  await call("Quote createDefaultPriceList", () => one.createDefaultPriceListAsync(), { priceListId: 0 });
  const list = await call("Quote savePriceList", () => one.savePriceListAsync({ name: "Retail", erpPriceListKey: "R", currency: "EUR", isActive: true }), { priceListId: number, name: "Retail", currency: "EUR" });
  await call("Quote savePriceList changed", () => one.savePriceListAsync({ ...list, description: "shops" }), { priceListId: list?.priceListId, description: "shops", name: "Retail" });
  await call("Quote getPriceList", () => one.getPriceListAsync(list?.priceListId), { name: "Retail", description: "shops" });
  await call("Quote getAllPriceLists", () => one.getAllPriceListsAsync(0, "EUR"), [{ priceListId: list?.priceListId }]);
  await call("Quote getAllPriceLists of another currency", () => one.getAllPriceListsAsync(0, "USD"), []);
  await call("Quote getAllPriceListsByCurrencyId", () => one.getAllPriceListsByCurrencyIdAsync(0, 2), [{ priceListId: list?.priceListId }]);
  await call("Quote getActivePriceLists", () => one.getActivePriceListsAsync(0, "EUR"), [{ priceListId: list?.priceListId }]);
  await call("Quote getActivePriceListsByCurrencyId", () => one.getActivePriceListsByCurrencyIdAsync(0, 2), [{ priceListId: list?.priceListId }]);
  const twin = await call("Quote copySuperOfficePriceList", () => one.copySuperOfficePriceListAsync(list?.priceListId, "Summer", new Date("2030-06-01T00:00:00"), new Date("2030-09-01T00:00:00"), 3, false), { priceListId: number, name: "Summer", currency: "USD", validFrom: new Date("2030-06-01T00:00:00") });
  await call("Quote getActivePriceLists not yet", () => one.getActivePriceListsAsync(0, "USD"), []);
  await call("Quote deletePriceList of the copy", () => one.deletePriceListAsync(twin?.priceListId), nothing);
  await call("Quote createDefaultProduct", () => one.createDefaultProductAsync(), { productId: 0 });
  const product = await call("Quote saveProduct", () => one.saveProductAsync({ name: "Rope", erpProductKey: "ROPE", erpPriceListKey: "R", code: "r1", unitListPrice: 12.5, vAT: 25, inAssortment: true }), { productId: number, name: "Rope", unitListPrice: 12.5, vAT: 25 });
  await call("Quote getProductFromDbId", () => one.getProductFromDbIdAsync(product?.productId), { productId: product?.productId, erpProductKey: "ROPE" });
  await call("Quote getProduct", () => one.getProductAsync(0, "ROPE"), { productId: product?.productId });
  await call("Quote getProduct unknown", () => one.getProductAsync(0, "none"), nothing);
  await call("Quote toggleProductInAssortment", () => one.toggleProductInAssortmentAsync(product?.productId), nothing);
  await call("Quote getProductFromDbId toggled", () => one.getProductFromDbIdAsync(product?.productId), { inAssortment: false, unitListPrice: 12.5 });
  await call("Quote removeProduct", () => one.removeProductAsync(product?.productId), nothing);
  const spare = await call("Quote saveProduct again", () => one.saveProductAsync({ name: "Net" }), { productId: number });
  await call("Quote deleteProduct", () => one.deleteProductAsync(spare?.productId), nothing);
  await call("Quote getProductFromDbId deleted", () => one.getProductFromDbIdAsync(spare?.productId), nothing);
  await call("Quote deletePriceList", () => one.deletePriceListAsync(list?.priceListId), nothing);
  await call("Quote getPriceList deleted", () => one.getPriceListAsync(list?.priceListId), nothing);
}

async function webhooks() {
  const one = agent("Webhook");
  const fresh = await call("Webhook createDefaultWebhook", () => one.createDefaultWebhookAsync(), { webhookId: 0, state: "Active", type: "webhook", events: ["contact.created", "contact.deleted"] });
  const hook = await call("Webhook saveWebhook", () => one.saveWebhookAsync({ ...fresh, name: "client", events: ["contact.created", "contact.changed", "custom.fired"], targetUrl, secret: "s3", headers: { "X-Own": "1" }, properties: { Tenant: "t1" } }), { webhookId: number, name: "client", events: ["contact.created", "contact.changed", "custom.fired"], targetUrl, state: "Active", registered: date, registeredAssociate: { associateId: 3 }, headers: { "X-Own": "1" } });
  await call("Webhook getWebhook", () => one.getWebhookAsync(hook?.webhookId), { webhookId: hook?.webhookId, name: "client" });
  await call("Webhook getWebhook unknown", () => one.getWebhookAsync(987654), nothing);
  await call("Webhook getAllWebhooks", () => one.getAllWebhooksAsync("", "", "Unknown"), [{ webhookId: hook?.webhookId }]);
  await call("Webhook getAllWebhooks by name", () => one.getAllWebhooksAsync("other", "", "Unknown"), []);
  await call("Webhook getAllWebhooks by event", () => one.getAllWebhooksAsync("client", "contact.changed", "Active"), [{ webhookId: hook?.webhookId }]);
  await call("Webhook getAllWebhooks stopped", () => one.getAllWebhooksAsync("", "", "Stopped"), []);
  await call("Webhook testWebhook", () => one.testWebhookAsync({ name: "t", events: ["contact.created"], targetUrl }), { success: true });
  await call("Webhook testWebhook of a dead target", () => one.testWebhookAsync({ name: "t", events: ["contact.created"], targetUrl: "http://127.0.0.1:9/" }), { success: false });
  await call("Webhook signalEvent", () => one.signalEventAsync("custom.fired", 7, { note: "hello" }), nothing);
  const seen = await call("Contact saveContactEntity heard", () => agent("Contact").saveContactEntityAsync({ name: "Heard AS" }), { contactId: number });
  await fetch(`${address}/_control/idle`, { method: "POST" });
  const heard = (name, key) => events.some(({ headers, body }) => body.Event === name && body.PrimaryKey === key && headers["x-own"] === "1" && body.Tenant === "t1" && headers["x-superoffice-signature"]);
  calls.push({ name: "delivery of a signalled event", outcome: heard("custom.fired", 7) ? "right" : "wrong", expected: "custom.fired 7", got: shown(events.map((one) => one.body.Event)) });
  calls.push({ name: "delivery of contact.created", outcome: heard("contact.created", seen?.contactId) ? "right" : "wrong", expected: `contact.created ${seen?.contactId}`, got: shown(events.map((one) => one.body.Event)) });
  await call("Webhook saveWebhook stopped", () => one.saveWebhookAsync({ ...hook, state: "Stopped" }), { webhookId: hook?.webhookId, state: "Stopped" });
  await call("Webhook getAllWebhooks stopped now", () => one.getAllWebhooksAsync("", "", "Stopped"), [{ webhookId: hook?.webhookId }]);
  await call("Webhook getLastError", () => one.getLastErrorAsync(hook?.webhookId), "");
  await call("Webhook deleteWebhook", () => one.deleteWebhookAsync(hook?.webhookId), nothing);
  await call("Webhook getAllWebhooks deleted", () => one.getAllWebhooksAsync("", "", "Unknown"), []);
}

async function users() {
  const associate = agent("Associate"), user = agent("User");
  await call("Associate getAssociate", () => associate.getAssociateAsync(7), { associateId: 7, name: "ANNA", fullName: "Anna Person", type: "InternalAssociate" });
  await call("Associate getAssociate unknown", () => associate.getAssociateAsync(99), nothing);
  await call("Associate getAssociateList", () => associate.getAssociateListAsync([3, 7, 99]), ids("associateId", 3, 7));
  await call("Associate getAssociatesByGroup", () => associate.getAssociatesByGroupAsync(1, 0), ids("associateId", 3, 7, 9));
  await call("Associate getAssociateByPersonId", () => associate.getAssociateByPersonIdAsync(made.Person), nothing);
  await call("User getUser", () => user.getUserAsync(7), { associateId: 7, name: "ANNA", type: "InternalAssociate", userGroup: { id: 1 } });
  await call("User getUserFromName", () => user.getUserFromNameAsync("anna"), { associateId: 7 });
  await call("User getUserInfo", () => user.getUserInfoAsync(7), { userInfoId: 7, canLogon: true, userType: "InternalAssociate" });
  await call("User getUserInfoList", () => user.getUserInfoListAsync([7, 9]), ids("userInfoId", 7, 9));
  await call("User getUserGroup", () => user.getUserGroupAsync(1), { id: 1, value: "Sandbox group" });
  await call("User getUserGroupList", () => user.getUserGroupListAsync([1]), ids("id", 1));
  await call("User getAllUserGroups", () => user.getAllUserGroupsAsync(false), ids("id", 1));
  await call("User isUserNameValid free", () => user.isUserNameValidAsync(0, "InternalAssociate", 0, "new"), true);
  await call("User isUserNameValid taken", () => user.isUserNameValidAsync(0, "InternalAssociate", 0, "ANNA"), false);
}

async function lists() {
  const one = agent("List"), mdo = agent("MDO");
  const plain = { Business: "Businesses", Category: "Categories", Competitor: "Competitors", Credited: "Crediteds", Currency: "Currencies", Position: "Positions", Priority: "Priorities", ProductCategory: "ProductCategories", ProductFamily: "ProductFamilies", ProductType: "ProductTypes", ProjectStatus: "ProjectStatuses", ProjectType: "ProjectTypes", Rating: "Ratings", Reason: "Reasons", Source: "Sources", Task: "Tasks", ReasonSold: "", ReasonStalled: "", SaleType: "" };
  for (const [name, plural] of Object.entries(plain)) {
    const single = name === "Task" ? "getSoTaskAsync" : `get${name}Async`;
    await call(`List ${single}`, () => one[single](2), { id: 2, value: holds((text) => text.length > 0) });
    if (!name.startsWith("Product")) await call(`List get${name}List`, () => one[`get${name}ListAsync`]([1, 99]), ids("id", 1));
    if (plural) await call(`List get${plural}`, () => one[`get${plural}Async`](), holds((rows) => rows?.length >= 2 && rows.every((row) => row.id > 0 && row.value)));
  }
  await call("List getCategory in the language", () => one.getCategoryAsync(1), { value: "Customer" });
  await call("List getCategory unknown", () => one.getCategoryAsync(99), nothing);
  await call("List getCountry", () => one.getCountryAsync(2), { countryId: 2, twoLetterISOCountry: "DE", englishName: "Germany" });
  await call("List getCountryList", () => one.getCountryListAsync([1, 3]), ids("countryId", 1, 3));
  await call("List getCountries", () => one.getCountriesAsync(), ids("countryId", 1, 2, 3));
  await call("List getAllCountries", () => one.getAllCountriesAsync(true), ids("countryId", 1, 2, 3));
  await call("List getAllTasks", () => one.getAllTasksAsync(true), ids("taskListItemId", 1, 2, 3));
  await call("List getAllSaleType", () => one.getAllSaleTypeAsync(), ids("id", 1, 2));
  await call("List getAllCurrencies", () => one.getAllCurrenciesAsync(false), ids("currencyId", 1, 2, 3));
  await call("List getAllSaleStages", () => one.getAllSaleStagesAsync(false), ids("saleStageId", 1, 2, 3));
  await call("List getAllSaleTypeEntities", () => one.getAllSaleTypeEntitiesAsync(false), ids("saleTypeId", 1, 2));
  await call("List getBaseCurrency", () => one.getBaseCurrencyAsync(), { currencyId: 1, name: "NOK", rate: 1 });
  await call("List getCurrencyEntity", () => one.getCurrencyEntityAsync(2), { currencyId: 2, name: "EUR" });
  await call("List getCategoryEntity", () => one.getCategoryEntityAsync(3), { categoryId: 3, name: "Partner" });
  await call("List getSaleStageEntity", () => one.getSaleStageEntityAsync(1), { saleStageId: 1, value: "Lead" });
  await call("List getSaleTypeEntity", () => one.getSaleTypeEntityAsync(1), { saleTypeId: 1, name: "Standard sale" });
  await call("List getProjectTypeEntity", () => one.getProjectTypeEntityAsync(1), { projTypeId: 1, name: "Fair" });
  const all = await call("List getListDefinitions", () => one.getListDefinitionsAsync(false), holds((rows) => rows?.length > 10 && rows.every((row) => row.id && row.name)));
  const business = all?.find((row) => row.name === "Business")?.id;
  await call("List getListEntity", () => one.getListEntityAsync(business), { id: business, name: "Business" });
  await call("List getListEntityByName", () => one.getListEntityByNameAsync("business"), { id: business, isMDOList: true });
  await call("List getAllFromListName", () => one.getAllFromListNameAsync("Business", false), [{ id: 1, name: "IT", udListDefinitionId: holds(() => true) }, { id: 2 }, { id: 3 }]);
  await call("List getAllFromListDefinition", () => one.getAllFromListDefinitionAsync(business, false), [{ id: 1 }, { id: 2 }, { id: 3 }]);
  await call("List getFromListName", () => one.getFromListNameAsync(2, "Business"), { id: 2, name: "Trade" });
  await call("List getFromListDefinition", () => one.getFromListDefinitionAsync(2, business), { id: 2, name: "Trade" });
  await call("List createDefaultListItemEntity", () => one.createDefaultListItemEntityAsync(), { id: 0 });
  const item = await call("List addFromListName", () => one.addFromListNameAsync("Business", { name: "Fishing", tooltip: "boats" }), { id: 4, name: "Fishing", tooltip: "boats" });
  await call("List addFromListDefinition", () => one.addFromListDefinitionAsync(business, { name: "Farming" }), { id: 5, name: "Farming" });
  await call("List saveFromListName", () => one.saveFromListNameAsync(4, "Business", { ...item, name: "Fish" }), { id: 4, name: "Fish", tooltip: "boats" });
  await call("List getBusiness new", () => one.getBusinessAsync(4), { id: 4, value: "Fish" });
  await call("List saveFromListDefinition", () => one.saveFromListDefinitionAsync(4, business, { name: "Fisheries" }), { id: 4, name: "Fisheries" });
  await call("List saveListItemEntity", () => one.saveListItemEntityAsync({ id: 4, name: "Fish", udListDefinitionId: business }), { id: 4, name: "Fish" });
  await call("List saveListItemEntity new", () => one.saveListItemEntityAsync({ name: "Forests", udListDefinitionId: business }), { id: 6, name: "Forests" });
  await call("List deleteFromListDefinition", () => one.deleteFromListDefinitionAsync(6, business), nothing);
  await call("List deleteFromListName", () => one.deleteFromListNameAsync(5, "Business"), nothing);
  await call("List getAllFromListName with deleted", () => one.getAllFromListNameAsync("Business", true), [{ id: 1 }, { id: 2 }, { id: 3 }, { id: 4 }, { id: 5, deleted: true }, { id: 6, deleted: true }]);
  await call("List getBusinesses without the deleted", () => one.getBusinessesAsync(), ids("id", 1, 2, 3, 4));
  const some = [{ id: 1, name: "Low" }, { id: 2 }, { id: 3 }];
  await call("MDO getList", () => mdo.getListAsync("Priority", true, "", false), some);
  await call("MDO getSimpleList", () => mdo.getSimpleListAsync("Priority"), some);
  await call("MDO getListWithHistory", () => mdo.getListWithHistoryAsync("Priority", true, "", [], false), some);
  await call("MDO getListWithRestriction", () => mdo.getListWithRestrictionAsync("Priority", "", "low"), [{ id: 1 }]);
  for (const [name, given] of [["List", ["Priority", true, "", false]], ["SimpleList", ["Priority"]], ["ListWithHistory", ["Priority", true, "", [], false]]]) await call(`MDO getSelectable${name}`, () => mdo[`getSelectable${name}Async`](...given), [{ id: 1, selected: false }, { id: 2 }, { id: 3 }]);
  await call("MDO getSelectableListWithRestriction", () => mdo.getSelectableListWithRestrictionAsync("Priority", "", "high"), [{ id: 3 }]);
  await call("MDO getListItem", () => mdo.getListItemAsync("associate", 7), { id: 7, name: "Anna Person" });
  await call("MDO getListNames", () => mdo.getListNamesAsync(), holds((names) => names?.includes("Category")));
  await call("MDO getListIdByListName", () => mdo.getListIdByListNameAsync("Business"), business);
}

async function definitions() {
  const one = agent("UserDefinedFieldInfo"), zone = agent("TimeZone");
  const all = await call("UserDefinedFieldInfo getUserDefinedFieldList", () => one.getUserDefinedFieldListAsync("Contact"), holds((rows) => rows?.length === 6 && rows[0].progId === "SuperOffice:1" && rows[0].fieldType === "ShortText"));
  await call("UserDefinedFieldInfo getPublishedUserDefinedFieldList", () => one.getPublishedUserDefinedFieldListAsync("Sale"), holds((rows) => rows?.length === 6 && rows.every((row) => row.type === "Sale")));
  await call("UserDefinedFieldInfo getUserDefinedFieldInfo", () => one.getUserDefinedFieldInfoAsync(all?.[1]?.uDefFieldId), { fieldLabel: "Segment", mdoListName: "udlist1" });
  await call("UserDefinedFieldInfo getUserDefinedFieldFromIds", () => one.getUserDefinedFieldFromIdsAsync([all?.[2]?.uDefFieldId]), [{ fieldLabel: "Headcount", fieldType: "Number" }]);
  for (const word of ["", "Published"]) {
    await call(`UserDefinedFieldInfo get${word}UserDefinedFieldFromFieldLabel`, () => one[`get${word}UserDefinedFieldFromFieldLabelAsync`]("Segment", "Person"), { progId: "SuperOffice:2", type: "Person" });
    await call(`UserDefinedFieldInfo get${word}UserDefinedFieldFromProgId`, () => one[`get${word}UserDefinedFieldFromProgIdAsync`]("SuperOffice:4", "Person"), { fieldLabel: "Renewal", fieldType: "Date" });
  }
  await call("UserDefinedFieldInfo getUserDefinedFieldFromProgIds", () => one.getUserDefinedFieldFromProgIdsAsync(["SuperOffice:1", "SuperOffice:6"], "Project"), [{ fieldLabel: "Bridge key" }, { fieldLabel: "Score" }]);
  await call("UserDefinedFieldInfo getCustomFieldInfoList", () => one.getCustomFieldInfoListAsync("contact", false), holds((rows) => rows?.length === 6 && rows[0].fieldName === "SuperOffice:1"));
  await call("UserDefinedFieldInfo getCustomFieldInfo", () => one.getCustomFieldInfoAsync("contact", "SuperOffice:2"), { fieldName: "SuperOffice:2", displayName: "Segment" });
  for (const [word, given] of [["detectUnpublishedChanges", ["Contact"]], ["detectColumnIdChanges", ["Contact"]], ["isPublishEventActive", ["Contact"]], ["isAnyPublishEventActive", []]]) await call(`UserDefinedFieldInfo ${word}`, () => one[`${word}Async`](...given), false);
  await call("UserDefinedFieldInfo clearCaches", () => one.clearCachesAsync(), nothing);
  await call("TimeZone getBaseTimeZoneId", () => zone.getBaseTimeZoneIdAsync(), number);
  await call("TimeZone getDefaultTimeZonePreference", () => zone.getDefaultTimeZonePreferenceAsync(), holds(Number.isInteger));
  await call("TimeZone getDefaultTimeZoneInformation", () => zone.getDefaultTimeZoneInformationAsync(), { locationCode: "Europe/Oslo", tZLocationId: number });
}

async function archives(company) {
  const one = agent("Archive"), find = agent("Find");
  const columns = ["contactId", "name", "category", "updatedDate"], order = [{ name: "contactId", direction: "ASC" }];
  const only = (value) => [{ name: "contactId", operator: "equals", values: [`[I:${value}]`], isActive: true }];
  const row = { entityName: "contact", primaryKey: company, columnData: holds((data) => data?.name?.displayValue === "Dahl AS!" && data?.category?.displayValue === "Prospect" && data?.updatedDate?.displayValue) };
  for (const [name, more] of [["getArchiveListByColumns", []], ["getArchiveListByColumnsWithContext", [""]]]) {
    await call(`Archive ${name}`, () => one[`${name}Async`]("FindContact", columns, order, only(company), ["contact"], 0, 50, ...more), [row]);
    await call(`Archive ${name}2`, () => one[`${name}2Async`]("FindContact", columns.join(), "contactId asc", `contactId equals ${company}`, "contact", 0, 50, ...more), [row]);
  }
  for (const [name, more] of [["getArchiveListByColumnsWithHeader", [""]], ["getArchiveListByColumnsWithHeaderWithContext", ["", ""]]]) {
    await call(`Archive ${name}`, () => one[`${name}Async`]("FindContact", columns, order, only(company), ["contact"], 0, 50, ...more), { rowCount: 1, rows: [row] });
    await call(`Archive ${name}2`, () => one[`${name}2Async`]("FindContact", columns.join(), "contactId asc", `contactId equals ${company}`, "contact", 0, 50, ...more), { rowCount: 1, rows: [row] });
  }
  const either = [{ name: "contactId", operator: "=", values: [String(company)], interOperator: "Or", isActive: true }, { name: "name", operator: "begins", values: ["Fjord"], isActive: true }];
  await call("Archive getArchiveListByColumns with or", () => one.getArchiveListByColumnsAsync("FindContact", ["name"], [{ name: "name", direction: "DESC" }], either, [], 0, 50), [{ primaryKey: made.Contact }, { primaryKey: company }]);
  await call("Archive getArchiveListByColumns second page", () => one.getArchiveListByColumnsAsync("FindContact", ["name"], [{ name: "name", direction: "DESC" }], either, [], 1, 1), [{ primaryKey: company }]);
  await call("Archive getArchiveListByColumns of sales", () => one.getArchiveListByColumnsAsync("FindSale", ["heading", "amount"], [{ name: "saleId", direction: "ASC" }], [{ name: "saleId", operator: "oneOf".length ? "=" : "", values: [`[I:${made.Sale}]`], isActive: true }], [], 0, 10), [{ primaryKey: made.Sale, entityName: "sale" }]);
  await call("Archive getArchiveListByColumns of persons", () => one.getArchiveListByColumnsAsync("Person", ["fullName"], [{ name: "personId", direction: "ASC" }], [{ name: "personId", operator: "=", values: [`[I:${made.Person}]`], isActive: true }], [], 0, 10), [{ primaryKey: made.Person }]);
  for (const [name, more] of [["getArchiveList", []], ["getArchiveListWithContext", [""]]]) {
    await call(`Archive ${name}`, () => one[`${name}Async`]("Pane", "FindContact", order, only(company), ["contact"], 0, 50, ...more), [row]);
    await call(`Archive ${name}2`, () => one[`${name}2Async`]("Pane", "FindContact", "contactId asc", `contactId equals ${company}`, "contact", 0, 50, ...more), [row]);
  }
  for (const [name, more] of [["getArchiveConfiguration", []], ["getArchiveConfigurationWithContext", [""]], ["getArchiveConfigurationV2", ["", ""]]]) await call(`Archive ${name}`, () => one[`${name}Async`]("Pane", "FindContact", ...more), { archiveColumnInfo: holds((rows) => rows?.some((column) => column.name === "name")), archiveEntityInfo: [{ name: "contact", selected: true }] });
  await call("Archive createDefaultArchiveListResult", () => one.createDefaultArchiveListResultAsync(), { rowCount: 0, rows: [] });
  await call("Archive getProviderNames", () => one.getProviderNamesAsync(), holds((names) => ["FindContact", "FindSale", "Person"].every((name) => names?.includes(name))));
  await call("Archive getAvailableColumns", () => one.getAvailableColumnsAsync("FindContact", ""), holds((rows) => rows?.some((one) => one.name === "orgnr" && one.canOrderBy === true)));
  await call("Archive getAvailableEntities", () => one.getAvailableEntitiesAsync("FindContact", ""), [{ name: "contact" }]);
  await call("Find findFromRestrictionsColumns", () => find.findFromRestrictionsColumnsAsync(only(company), "FindContact", columns, 10, 0), { rowCount: 1, archiveRows: [row], archiveColumns: holds((rows) => rows?.length === columns.length) });
  await call("Find findFromRestrictionsColumns2", () => find.findFromRestrictionsColumns2Async(`contactId = ${company}`, "FindContact", columns.join(), 10, 0), { rowCount: 1, archiveRows: [row] });
  await call("Find findFromRestrictionsColumnsOrderBy", () => find.findFromRestrictionsColumnsOrderByAsync(either, "FindContact", ["name"], [{ name: "name", direction: "ASC" }], 10, 0), { rowCount: 2, archiveRows: [{ primaryKey: company }, { primaryKey: made.Contact }] });
  await call("Find findFromRestrictionsColumnsOrderBy2", () => find.findFromRestrictionsColumnsOrderBy2Async("name begins 'Fjord'", "FindContact", "name", "name desc", 10, 0), { rowCount: 1 });
  await call("Find findFromRestrictions", () => find.findFromRestrictionsAsync(only(company), "FindContact", 10, 0), { rowCount: 1, archiveRows: [{ primaryKey: company }] });
  await call("Find findFromRestrictions2", () => find.findFromRestrictions2Async(`contactId = ${company}`, "FindContact", 10, 0), { rowCount: 1 });
  await call("Find getAvailableRestrictionColumns", () => find.getAvailableRestrictionColumnsAsync("", "FindContact"), holds((names) => names?.includes("name")));
}

async function foreign(company) {
  const one = agent("ForeignSystem"), place = ["ERP", "Main", "one"], key = ["No", "contact", company];
  await call("ForeignSystem createDefaultForeignAppEntity", () => one.createDefaultForeignAppEntityAsync(), { foreignAppId: 0 });
  const app = await call("ForeignSystem saveForeignAppEntity", () => one.saveForeignAppEntityAsync({ name: "ERP" }), { foreignAppId: number, name: "ERP", devices: [] });
  await call("ForeignSystem getForeignAppEntity", () => one.getForeignAppEntityAsync(app?.foreignAppId), { name: "ERP" });
  await call("ForeignSystem getAppByName", () => one.getAppByNameAsync("ERP"), { foreignAppId: app?.foreignAppId });
  await call("ForeignSystem getAppByName unknown", () => one.getAppByNameAsync("none"), nothing);
  const device = await call("ForeignSystem addDeviceByIdentifier", () => one.addDeviceByIdentifierAsync(...place), { foreignDeviceId: number, name: "Main", deviceIdentifier: "one", foreignAppId: app?.foreignAppId });
  await call("ForeignSystem saveDeviceByIdentifier", () => one.saveDeviceByIdentifierAsync(...place, device), { foreignDeviceId: device?.foreignDeviceId });
  const second = await call("ForeignSystem saveForeignDevice", () => one.saveForeignDeviceAsync({ name: "Spare", deviceIdentifier: "two" }, "ERP"), { name: "Spare", deviceIdentifier: "two", foreignDeviceId: number });
  await call("ForeignSystem deleteForeignDevice", () => one.deleteForeignDeviceAsync({ foreignDevice: second, applicationName: "ERP" }), nothing);
  await call("ForeignSystem getDeviceByIdentifier", () => one.getDeviceByIdentifierAsync(...place), { foreignDeviceId: device?.foreignDeviceId });
  await call("ForeignSystem getDeviceByName", () => one.getDeviceByNameAsync("ERP", "Main"), { foreignDeviceId: device?.foreignDeviceId });
  await call("ForeignSystem getForeignDevice", () => one.getForeignDeviceAsync(device?.foreignDeviceId), { name: "Main" });
  await call("ForeignSystem getApplicationDevices", () => one.getApplicationDevicesAsync("ERP"), [{ name: "Main" }]);
  const entry = { key: "No", value: "4711", recordId: company, tableName: "contact" };
  await call("ForeignSystem addForeignKey", () => one.addForeignKeyAsync(entry, ...place), entry);
  await call("ForeignSystem saveForeignKey", () => one.saveForeignKeyAsync({ ...entry, value: "4712" }, ...place), { ...entry, value: "4712" });
  await call("ForeignSystem getKey", () => one.getKeyAsync("ERP", "Main", ...key), { key: "No", value: "4712", recordId: company });
  await call("ForeignSystem getKeyValue", () => one.getKeyValueAsync("ERP", "Main", ...key), "4712");
  await call("ForeignSystem getKeyOnDeviceIdentifier", () => one.getKeyOnDeviceIdentifierAsync(...place, ...key), { value: "4712" });
  await call("ForeignSystem getKeyValueOnDeviceIdentifier", () => one.getKeyValueOnDeviceIdentifierAsync(...place, ...key), "4712");
  await call("ForeignSystem getKeyByValue", () => one.getKeyByValueAsync("ERP", "Main", "No", "4712", "contact"), { recordId: company });
  await call("ForeignSystem getKeyByValue old", () => one.getKeyByValueAsync("ERP", "Main", "No", "4711", "contact"), nothing);
  await call("ForeignSystem getKeyByValueAndIdentifier", () => one.getKeyByValueAndIdentifierAsync(...place, "No", "4712", "contact"), { recordId: company });
  await call("ForeignSystem getAllForeignKeysOnEntity", () => one.getAllForeignKeysOnEntityAsync("contact", company), holds((found) => found?.["ERP.Main.No"] === "4712"));
  const rows = [{ key: "No", value: "4712" }];
  await call("ForeignSystem getDeviceKeys", () => one.getDeviceKeysAsync("ERP", "Main"), rows);
  await call("ForeignSystem getApplicationKeys", () => one.getApplicationKeysAsync("ERP"), rows);
  await call("ForeignSystem getDeviceKeysOnDeviceIdentifier", () => one.getDeviceKeysOnDeviceIdentifierAsync(...place), rows);
  await call("ForeignSystem getDeviceKeysOnDeviceIdentifierTable", () => one.getDeviceKeysOnDeviceIdentifierTableAsync(...place, "contact"), rows);
  await call("ForeignSystem getDeviceKeysOnDeviceIdentifierTableRecordId", () => one.getDeviceKeysOnDeviceIdentifierTableRecordIdAsync(...place, "contact", company), rows);
  await call("ForeignSystem deleteForeignKeyOnName", () => one.deleteForeignKeyOnNameAsync(...place, ...key), nothing);
  await call("ForeignSystem getKeyValue deleted", () => one.getKeyValueAsync("ERP", "Main", ...key), nothing);
  await call("ForeignSystem addForeignKey again", () => one.addForeignKeyAsync(entry, ...place), entry);
  await call("ForeignSystem deleteForeignKey", () => one.deleteForeignKeyAsync({ foreignKey: entry, applicationName: "ERP", deviceName: "Main", deviceIdentifier: "one", tableName: "contact", recordId: company }), nothing);
  await call("ForeignSystem getApplicationKeys none", () => one.getApplicationKeysAsync("ERP"), []);
  await call("ForeignSystem deleteDeviceByIdentifier", () => one.deleteDeviceByIdentifierAsync(...place), nothing);
  await call("ForeignSystem getApplicationDevices none", () => one.getApplicationDevicesAsync("ERP"), []);
  await call("ForeignSystem deleteForeignAppEntity", () => one.deleteForeignAppEntityAsync(app?.foreignAppId), nothing);
  await call("ForeignSystem getAppByName deleted", () => one.getAppByNameAsync("ERP"), nothing);
}

async function onsite() {
  const here = new WebApi(address, {}, "en");
  here.authenticateWithPassword("bridge", "sandbox-password");
  await call("Basic sign-in: Associate getAssociate", () => here.getAssociateAgent().getAssociateAsync(9), { associateId: 9 });
  const stranger = new WebApi(`${address}/Cust00001`, { headers: { Authorization: "Bearer wrong" } }, "en");
  await refused("a wrong token: Contact getContact", () => stranger.getContactAgent().getContactAsync(1), 401);
  await refused("a malformed id: Contact getContactEntity", () => webapi.getContactAgent().getContactEntityAsync("glops"), 400);
  const norwegian = new WebApi(`${address}/Cust00001`, { ...config }, "no");
  await call("another language: List getCategory", () => norwegian.getListAgent().getCategoryAsync(1), { value: "Kunde" });
}

// Every other method of these agents answers 404, so everything that is served is checked above.
async function rest404(words) {
  for (const word of words) {
    const real = webapi[`get${word}Agent`]();
    const names = Object.getOwnPropertyNames(Object.getPrototypeOf(real)).filter((name) => name.endsWith("Async") && !name.startsWith("_"));
    for (const name of names.filter((one) => !driven.has(`${word}.${one}`))) {
      let got = "an answer";
      try {
        got = shown(await real[name]());
      } catch (error) {
        got = told(error);
        if (error.response?.status === 404) {
          calls.push({ name: `${word} ${name.slice(0, -5)}`, outcome: "not served", expected: "404", got });
          continue;
        }
      }
      calls.push({ name: `${word} ${name.slice(0, -5)}`, outcome: "wrong", expected: "a check, or 404", got });
    }
  }
}

try {
  await restResources();
  const company = await companies();
  await people(company);
  await sales(company);
  await projects();
  await appointments(company);
  await goods();
  await webhooks();
  await users();
  await lists();
  await definitions();
  await archives(company);
  await foreign(company);
  await onsite();
  await rest404(["Contact", "Person", "Sale", "Project", "Appointment", "Quote", "Webhook", "Associate", "User", "List", "MDO", "UserDefinedFieldInfo", "TimeZone", "Archive", "Find", "ForeignSystem"]);
  process.stdout.write(JSON.stringify(calls));
} finally {
  target.close();
  target.closeAllConnections();
}
