BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0005');
CREATE TABLE brake_hits (
	id INTEGER NOT NULL, 
	mapping TEXT NOT NULL, 
	at FLOAT NOT NULL, 
	kind TEXT NOT NULL, 
	link INTEGER, 
	PRIMARY KEY (id)
);
CREATE TABLE budgets (
	credential TEXT NOT NULL, 
	window TEXT NOT NULL, 
	used INTEGER NOT NULL, until FLOAT, why TEXT, 
	PRIMARY KEY (credential, window)
);
INSERT INTO "budgets" VALUES('crm','spent 2026-01-05',1234,NULL,NULL);
CREATE TABLE counters (
	copy TEXT NOT NULL, 
	mapping TEXT NOT NULL, 
	name TEXT NOT NULL, 
	value INTEGER NOT NULL, 
	PRIMARY KEY (copy, mapping, name)
);
INSERT INTO "counters" VALUES('copy-1','companies','accepted',3);
INSERT INTO "counters" VALUES('copy-1','people','accepted',18);
INSERT INTO "counters" VALUES('copy-1','companies','applied',1);
INSERT INTO "counters" VALUES('copy-1','people','applied',6);
INSERT INTO "counters" VALUES('copy-1','companies','unchanged',1);
INSERT INTO "counters" VALUES('copy-1','people','unchanged',5);
CREATE TABLE cursors (
	system TEXT NOT NULL, 
	entity TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	value FLOAT, 
	sweep INTEGER NOT NULL, 
	page TEXT, 
	complete BOOLEAN NOT NULL, 
	started_at FLOAT, 
	done_at FLOAT, 
	asked_at FLOAT, 
	asked_by TEXT NOT NULL, 
	rows INTEGER NOT NULL, 
	marked INTEGER NOT NULL, 
	PRIMARY KEY (system, entity, kind)
);
CREATE TABLE events (
	seq INTEGER NOT NULL, 
	system TEXT NOT NULL, 
	entity TEXT NOT NULL, 
	rec TEXT, 
	kind TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	vendor_id TEXT, 
	source_at FLOAT, 
	version FLOAT, 
	body BLOB NOT NULL, 
	stored_at FLOAT NOT NULL, 
	PRIMARY KEY (seq)
);
INSERT INTO "events" VALUES(5,'crm','company','1','changed','webhook',NULL,1767603600.0,NULL,X'',1767603600.0);
INSERT INTO "events" VALUES(7,'crm','person','2','changed','webhook',NULL,1767603600.0,NULL,X'',1767603600.0);
INSERT INTO "events" VALUES(9,'crm','person','3','changed','webhook',NULL,1767603600.0,NULL,X'',1767603600.0);
INSERT INTO "events" VALUES(11,'erp','person','1','changed','webhook',NULL,1767603600.0,NULL,X'',1767603600.0);
INSERT INTO "events" VALUES(25,'crm','person','4','changed','webhook',NULL,1767603600.0,NULL,X'',1767603600.0);
INSERT INTO "events" VALUES(27,'erp','company','2','changed','webhook',NULL,1767603600.0,NULL,X'',1767603600.0);
INSERT INTO "events" VALUES(29,'erp','person','3','changed','webhook',NULL,1767603600.0,NULL,X'',1767603600.0);
INSERT INTO "events" VALUES(31,'erp','person','4','changed','webhook',NULL,1767603600.0,NULL,X'',1767603600.0);
INSERT INTO "events" VALUES(45,'crm','person','2','changed','webhook',NULL,1767603602.0,NULL,X'',1767603602.0);
INSERT INTO "events" VALUES(49,'erp','person','3','changed','webhook',NULL,1767603602.0,NULL,X'',1767603602.0);
INSERT INTO "events" VALUES(54,'erp','person','4','deleted','webhook',NULL,1767603604.0,NULL,X'',1767603604.0);
INSERT INTO "events" VALUES(60,'crm','company','5','changed','webhook',NULL,1767603606.0,NULL,X'',1767603606.0);
INSERT INTO "events" VALUES(65,'crm','person','6','changed','webhook',NULL,1767603606.0,NULL,X'',1767603606.0);
INSERT INTO "events" VALUES(70,'erp','person','5','changed','webhook',NULL,1767603606.0,NULL,X'',1767603606.0);
INSERT INTO "events" VALUES(75,'crm','person','7','changed','webhook',NULL,1767603608.0,NULL,X'',1767603608.0);
INSERT INTO "events" VALUES(80,'crm','person','8','changed','webhook',NULL,1767603608.5,NULL,X'',1767603608.5);
INSERT INTO "events" VALUES(85,'crm','person','2','changed','webhook',NULL,1767603609.0,NULL,X'',1767603609.0);
INSERT INTO "events" VALUES(87,'erp','person','6','changed','webhook',NULL,1767603609.0,NULL,X'',1767603609.0);
INSERT INTO "events" VALUES(92,'crm','person','4','changed','webhook',NULL,1767603609.5,NULL,X'',1767603609.5);
INSERT INTO "events" VALUES(94,'erp','person','1','changed','webhook',NULL,1767603609.5,NULL,X'',1767603609.5);
INSERT INTO "events" VALUES(96,'erp','person','3','changed','webhook',NULL,1767603609.5,NULL,X'',1767603609.5);
CREATE TABLE hooks (
	system TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	url TEXT NOT NULL, 
	vendor_id TEXT, 
	state TEXT NOT NULL, 
	registered_at FLOAT, 
	seen_at FLOAT, 
	delivered_at FLOAT, 
	note TEXT NOT NULL, 
	PRIMARY KEY (system, "key")
);
INSERT INTO "hooks" VALUES('crm','all','https://bridge.example.com/hooks/crm/all/t1','77','registered',1767603609.5,1767603609.5,NULL,'');
CREATE TABLE instances (
	name TEXT NOT NULL, 
	started_at FLOAT NOT NULL, 
	seen_at FLOAT NOT NULL, 
	stopped_at FLOAT, 
	PRIMARY KEY (name)
);
CREATE TABLE intent_keys (
	mapping TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	link INTEGER NOT NULL, 
	PRIMARY KEY (mapping, hash, link)
);
INSERT INTO "intent_keys" VALUES('people','1f1e10d3a456a0b031d5b37b688a21ec',83);
CREATE TABLE journal (
	id INTEGER NOT NULL, 
	at FLOAT NOT NULL, 
	mapping TEXT NOT NULL, 
	side TEXT NOT NULL, 
	rec TEXT NOT NULL, 
	what TEXT NOT NULL, 
	text TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	link INTEGER, 
	other_rec TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "journal" VALUES(1,1767603600.0,'companies','left','1','created','crm company 1 -> created erp company 2: name=''Lund AS''','{"values":{"name":"Lund AS"}}',17,'2');
INSERT INTO "journal" VALUES(2,1767603600.0,'people','left','2','created','crm person 2 -> created erp person 3: name=''Ana Lund'', email=''ana@x.example'', phone=''+47 22 33 44 55'', company=''companies 2''','{"values":{"name":"Ana Lund","email":"ana@x.example","phone":"+47 22 33 44 55","company":"link 17"}}',19,'3');
INSERT INTO "journal" VALUES(3,1767603600.0,'people','left','3','created','crm person 3 -> created erp person 4: name=''Bo Berg'', email=''bo@x.example''','{"values":{"name":"Bo Berg","email":"bo@x.example"}}',21,'4');
INSERT INTO "journal" VALUES(4,1767603600.0,'people','right','1','created','erp person 1 -> created crm person 4: name=''Cai Dahl'', email=''cai@x.example''','{"values":{"name":"Cai Dahl","email":"cai@x.example"}}',23,'4');
INSERT INTO "journal" VALUES(5,1767603602.0,'people','left','2','updated','crm person 2 -> erp person 3: name: ''Ana Lund'' -> ''Ana Lund Berg''','{"to":"right","changes":{"name":["Ana Lund","Ana Lund Berg"]}}',19,'3');
INSERT INTO "journal" VALUES(6,1767603606.0,'people','right','4','unlinked','erp person 4 was deleted; crm person 3 stays (unlink)','{}',21,'3');
INSERT INTO "journal" VALUES(7,1767603606.0,'companies','left','5','dead','name: erp: name is reserved','{}',NULL,NULL);
INSERT INTO "journal" VALUES(8,1767603606.0,'people','left','6','created','crm person 6 -> created erp person 5: name=''Gro Ny'', email=''gro@x.example''','{"values":{"name":"Gro Ny","email":"gro@x.example"}}',68,'5');
INSERT INTO "journal" VALUES(9,1767603608.5,'people','left','8','in doubt','creating a new erp person may have taken effect: erp: timed out (after create)','{}',83,NULL);
CREATE TABLE leases (
	system TEXT NOT NULL, 
	entity TEXT NOT NULL, 
	rec TEXT NOT NULL, 
	fence INTEGER NOT NULL, 
	holder TEXT NOT NULL, 
	expires FLOAT NOT NULL, 
	PRIMARY KEY (system, entity, rec)
);
INSERT INTO "leases" VALUES('crm','person','2',89,'copy-1',1767603729.0);
INSERT INTO "leases" VALUES('erp','person','3',89,'copy-1',1767603729.0);
CREATE TABLE link_refs (
	target INTEGER NOT NULL, 
	link INTEGER NOT NULL, 
	field TEXT NOT NULL, 
	PRIMARY KEY (target, link, field)
);
INSERT INTO "link_refs" VALUES(17,19,'company');
CREATE TABLE links (
	id INTEGER NOT NULL, 
	mapping TEXT NOT NULL, 
	left_rec TEXT, 
	right_rec TEXT, 
	state TEXT NOT NULL, 
	made TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	alias_of INTEGER, 
	base TEXT NOT NULL, 
	held TEXT, 
	sent_left TEXT, 
	sent_right TEXT, 
	sent_until FLOAT, 
	payload TEXT, 
	deadline FLOAT, 
	look_at FLOAT, 
	gone_left FLOAT, 
	gone_right FLOAT, 
	writes INTEGER NOT NULL, 
	window_at FLOAT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "links" VALUES(17,'companies','1','2','live','created_right',17,NULL,'{"name":["Lund AS","Lund AS","sLund AS","sLund AS","cda5873df3fe5647","0b1e96d741648576"]}',NULL,NULL,NULL,NULL,'{"at":1767603600.0}',NULL,NULL,NULL,NULL,0,0.0);
INSERT INTO "links" VALUES(19,'people','2','3','live','created_right',19,NULL,'{"name":["Ana Lund Berg","Ana Lund Berg","sAna Lund Berg","sAna Lund Berg","12dd33a0563b587e","b82846688bd95824"],"email":["ana@x.example","ana@x.example","sana@x.example","sana@x.example","bf78a5df9076083e","97a1e166f2d2f2cd"],"phone":["+47 22 33 44 55","+47 22 33 44 55","s+47 22 33 44 55","s+47 22 33 44 55","ecff004721b5da22","472277ff57b20fcd"],"company":[17,17,"s1","s2","681b3d08a59fa23c","a8419e19a0772b38"]}',NULL,NULL,'{"values":{"phone":"+47 99 88 77 66"},"before":{"phone":"+47 22 33 44 55"}}',1767603654.0,'{"at":1767603600.0}',NULL,NULL,NULL,NULL,1,1767603602.0);
INSERT INTO "links" VALUES(21,'people','3','4','tombstone','created_right',21,NULL,'{"phone":[null,null,"n","n","ecff004721b5da22","472277ff57b20fcd"],"company":[null,null,"n","n","681b3d08a59fa23c","a8419e19a0772b38"],"name":["Bo Berg","Bo Berg","sBo Berg","sBo Berg","12dd33a0563b587e","b82846688bd95824"],"email":["bo@x.example","bo@x.example","sbo@x.example","sbo@x.example","bf78a5df9076083e","97a1e166f2d2f2cd"]}',NULL,NULL,NULL,NULL,'{"at":1767603600.0}',NULL,NULL,NULL,1767603606.0,0,0.0);
INSERT INTO "links" VALUES(23,'people','4','1','live','created_left',23,NULL,'{"phone":[null,null,"n","n","ecff004721b5da22","472277ff57b20fcd"],"company":[null,null,"n","n","681b3d08a59fa23c","a8419e19a0772b38"],"name":["Cai Dahl","Cai Dahl","sCai Dahl","sCai Dahl","12dd33a0563b587e","b82846688bd95824"],"email":["cai@x.example","cai@x.example","scai@x.example","scai@x.example","bf78a5df9076083e","97a1e166f2d2f2cd"]}',NULL,NULL,NULL,NULL,'{"at":1767603600.0}',NULL,NULL,NULL,NULL,0,0.0);
INSERT INTO "links" VALUES(68,'people','6','5','live','created_right',68,NULL,'{"phone":[null,null,"n","n","ecff004721b5da22","472277ff57b20fcd"],"name":["Gro Ny","Gro Ny","sGro Ny","sGro Ny","12dd33a0563b587e","b82846688bd95824"],"email":["gro@x.example","gro@x.example","sgro@x.example","sgro@x.example","bf78a5df9076083e","97a1e166f2d2f2cd"]}',NULL,NULL,NULL,NULL,'{"at":1767603606.0}',NULL,NULL,NULL,NULL,0,0.0);
INSERT INTO "links" VALUES(83,'people','8',NULL,'intended','created_right',83,NULL,'{}',NULL,NULL,NULL,NULL,'{"at":1767603608.5,"values":{"name":"Fia Moe","email":"fia@x.example"}}',1767603653.5,1767603655.5,NULL,NULL,0,0.0);
CREATE TABLE mappings (
	name TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	match_fingerprint TEXT NOT NULL, 
	mode TEXT NOT NULL, 
	paused BOOLEAN NOT NULL, 
	pause_reason TEXT NOT NULL, 
	live_since FLOAT, 
	indexed_left BOOLEAN NOT NULL, 
	indexed_right BOOLEAN NOT NULL, 
	approved_until FLOAT, problems TEXT, sides TEXT, 
	PRIMARY KEY (name)
);
INSERT INTO "mappings" VALUES('companies','e629a90b7a394053','75f36a6e36804794','live',0,'',1767603600.0,1,1,NULL,NULL,'{"left":{"role":"crm","system":"crm","entity":"company"},"right":{"role":"erp","system":"erp","entity":"company"}}');
INSERT INTO "mappings" VALUES('people','a0b1fa5dddea51bb','adaddb4399dceeb7','live',0,'',1767603600.0,1,1,NULL,NULL,'{"left":{"role":"crm","system":"crm","entity":"person"},"right":{"role":"erp","system":"erp","entity":"person"}}');
CREATE TABLE merges (
	system TEXT NOT NULL, 
	entity TEXT NOT NULL, 
	loser TEXT NOT NULL, 
	survivor TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	PRIMARY KEY (system, entity, loser)
);
CREATE TABLE names (
	system TEXT NOT NULL, 
	what TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	name TEXT NOT NULL, 
	today TEXT NOT NULL, 
	seen_at FLOAT NOT NULL, 
	PRIMARY KEY (system, what, "key")
);
CREATE TABLE record_keys (
	mapping TEXT NOT NULL, 
	side TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	rec TEXT NOT NULL, 
	PRIMARY KEY (mapping, side, hash, rec)
);
INSERT INTO "record_keys" VALUES('companies','left','ed25acc2f79834c5b735fc4851bc9a77','1');
INSERT INTO "record_keys" VALUES('people','left','5f48a01901e0e7a678de10ba0781b73f','3');
INSERT INTO "record_keys" VALUES('people','right','51cffc7b34ce2e321412eeebceb93921','1');
INSERT INTO "record_keys" VALUES('companies','right','ed25acc2f79834c5b735fc4851bc9a77','2');
INSERT INTO "record_keys" VALUES('people','left','51cffc7b34ce2e321412eeebceb93921','4');
INSERT INTO "record_keys" VALUES('people','right','5f48a01901e0e7a678de10ba0781b73f','4');
INSERT INTO "record_keys" VALUES('people','left','044fdbca65f4a378cf21307c1e6241ed','2');
INSERT INTO "record_keys" VALUES('people','right','044fdbca65f4a378cf21307c1e6241ed','3');
INSERT INTO "record_keys" VALUES('companies','left','344da439f6f87bcbb29b3b8c1cb7f035','5');
INSERT INTO "record_keys" VALUES('people','left','e42581bbeb805c29ce34ed100ab947b8','6');
INSERT INTO "record_keys" VALUES('people','right','e42581bbeb805c29ce34ed100ab947b8','5');
INSERT INTO "record_keys" VALUES('people','left','fc376769fd404bea152b17aaee12e17e','7');
INSERT INTO "record_keys" VALUES('people','left','1f1e10d3a456a0b031d5b37b688a21ec','8');
INSERT INTO "record_keys" VALUES('people','right','1f1e10d3a456a0b031d5b37b688a21ec','6');
CREATE TABLE records (
	system TEXT NOT NULL, 
	entity TEXT NOT NULL, 
	rec TEXT NOT NULL, 
	first_seq INTEGER NOT NULL, 
	version FLOAT, 
	own_version FLOAT, 
	own_write_at FLOAT, 
	row_hash TEXT, 
	seen_sweep INTEGER, 
	gone_at FLOAT, 
	gone_how TEXT, 
	PRIMARY KEY (system, entity, rec)
);
INSERT INTO "records" VALUES('crm','company','1',5,1767603600.0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "records" VALUES('crm','person','2',7,1767603602.0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "records" VALUES('crm','person','3',9,1767603600.0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "records" VALUES('erp','person','1',11,1767603600.0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "records" VALUES('erp','company','2',18,1767603600.0,1767603600.0,1767603600.0,NULL,NULL,NULL,NULL);
INSERT INTO "records" VALUES('erp','person','3',20,1767603602.0,1767603602.0,1767603602.0,NULL,NULL,NULL,NULL);
INSERT INTO "records" VALUES('erp','person','4',22,1767603600.0,1767603600.0,1767603600.0,NULL,NULL,1767603606.0,'flag');
INSERT INTO "records" VALUES('crm','person','4',24,1767603600.0,1767603600.0,1767603600.0,NULL,NULL,NULL,NULL);
INSERT INTO "records" VALUES('crm','company','5',60,1767603606.0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "records" VALUES('crm','person','6',65,1767603606.0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "records" VALUES('erp','person','5',69,1767603606.0,1767603606.0,1767603606.0,NULL,NULL,NULL,NULL);
INSERT INTO "records" VALUES('crm','person','7',75,1767603608.0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "records" VALUES('crm','person','8',80,1767603608.0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "records" VALUES('erp','person','6',87,1767603608.0,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE requests (
	id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	arguments TEXT NOT NULL, 
	asked_at FLOAT NOT NULL, 
	taken_at FLOAT, 
	done_at FLOAT, 
	answer TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "requests" VALUES(1,'reconcile','{"mapping":"people"}',1767603609.5,NULL,NULL,'');
CREATE TABLE sequence (
	id INTEGER NOT NULL, 
	value INTEGER NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "sequence" VALUES(1,97);
CREATE TABLE systems (
	name TEXT NOT NULL, 
	identity_key TEXT, 
	identity_label TEXT NOT NULL, 
	down_since FLOAT, 
	down_reason TEXT NOT NULL, 
	probe_at FLOAT, 
	stopped TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "systems" VALUES('crm','account-1','account-1',NULL,'',1767603600.0,'');
INSERT INTO "systems" VALUES('erp','account-1','account-1',NULL,'',1767603600.0,'');
CREATE TABLE tasks (
	mapping TEXT NOT NULL, 
	side TEXT NOT NULL, 
	rec TEXT NOT NULL, 
	state TEXT NOT NULL, 
	lane TEXT NOT NULL, 
	due FLOAT, 
	gen INTEGER NOT NULL, 
	done_gen INTEGER NOT NULL, 
	pending INTEGER NOT NULL, 
	taken INTEGER NOT NULL, 
	attempts INTEGER NOT NULL, 
	wait_mapping TEXT, 
	wait_side TEXT, 
	wait_rec TEXT, 
	reason TEXT NOT NULL, 
	source_at FLOAT, 
	first_due FLOAT NOT NULL, 
	kinds INTEGER NOT NULL, 
	kinds_taken INTEGER NOT NULL, 
	decided_hash TEXT, 
	stale_since FLOAT, 
	gone_since FLOAT, outcome TEXT, code TEXT, retried BOOLEAN DEFAULT 0 NOT NULL, 
	PRIMARY KEY (mapping, side, rec)
);
INSERT INTO "tasks" VALUES('companies','left','1','idle','0-live',NULL,5,5,0,0,0,NULL,NULL,NULL,'created erp company 2',NULL,1767603600.0,0,0,NULL,NULL,NULL,'applied','created',0);
INSERT INTO "tasks" VALUES('people','left','2','due','0-live',1767603609.0,85,45,1,1,1,NULL,NULL,NULL,'',1767603609.0,1767603609.0,0,2,NULL,NULL,NULL,'applied',NULL,0);
INSERT INTO "tasks" VALUES('people','left','3','idle','0-live',NULL,9,9,0,0,0,NULL,NULL,NULL,'created erp person 4',NULL,1767603600.0,0,0,NULL,NULL,NULL,'applied','created',0);
INSERT INTO "tasks" VALUES('people','right','1','due','0-live',1767603609.5,94,11,1,0,0,NULL,NULL,NULL,'',1767603609.5,1767603609.5,2,0,NULL,NULL,NULL,'applied',NULL,0);
INSERT INTO "tasks" VALUES('people','left','4','due','0-live',1767603609.5,92,25,1,0,0,NULL,NULL,NULL,'',1767603609.5,1767603609.5,2,0,NULL,NULL,NULL,'unchanged',NULL,0);
INSERT INTO "tasks" VALUES('companies','right','2','idle','0-live',NULL,27,27,0,0,0,NULL,NULL,NULL,'erp company 2 shows what both sides agreed on last',NULL,1767603602.0,0,0,NULL,NULL,NULL,'unchanged','own_side_in_sync',0);
INSERT INTO "tasks" VALUES('people','right','3','due','0-live',1767603609.5,96,49,1,0,0,NULL,NULL,NULL,'',1767603609.5,1767603609.5,2,0,NULL,NULL,NULL,'unchanged',NULL,0);
INSERT INTO "tasks" VALUES('people','right','4','idle','0-live',NULL,54,54,0,0,0,NULL,NULL,NULL,'unlinked: erp person 4 was deleted',NULL,1767603606.0,0,0,NULL,NULL,NULL,'applied','unlinked',0);
INSERT INTO "tasks" VALUES('companies','left','5','dead','0-live',NULL,60,60,1,0,1,NULL,NULL,NULL,'name: erp: name is reserved',1767603606.0,1767603606.0,18,0,'ef81368ae0d884a558a5fddf339095a4',NULL,NULL,NULL,'refused',0);
INSERT INTO "tasks" VALUES('people','left','6','idle','0-live',NULL,65,65,0,0,0,NULL,NULL,NULL,'created erp person 5',NULL,1767603606.0,0,0,NULL,NULL,NULL,'applied','created',0);
INSERT INTO "tasks" VALUES('people','right','5','idle','0-live',NULL,70,70,0,0,0,NULL,NULL,NULL,'both sides agree',NULL,1767603608.0,0,0,NULL,NULL,NULL,'unchanged','in_sync',0);
INSERT INTO "tasks" VALUES('people','left','7','waiting','0-live',1.76760360985846853255e+09,75,75,1,0,1,NULL,NULL,NULL,'attempt 1 of 8: erp: try again later',1767603608.0,1767603608.0,18,0,NULL,NULL,NULL,NULL,'attempt',0);
INSERT INTO "tasks" VALUES('people','left','8','waiting','0-live',1767603655.5,80,80,1,0,1,NULL,NULL,NULL,'outcome unknown: erp: timed out (after create)',1767603608.5,1767603608.5,18,0,NULL,NULL,NULL,NULL,'outcome_unknown',0);
INSERT INTO "tasks" VALUES('people','right','6','waiting','0-live',1.76760361023558449744e+09,87,87,1,0,0,NULL,NULL,NULL,'crm person 8 is just being created here',1767603609.0,1767603609.0,18,0,NULL,NULL,NULL,NULL,'created_here',0);
CREATE TABLE tokens (
	credential TEXT NOT NULL, 
	sealed TEXT NOT NULL, 
	saved_at FLOAT NOT NULL, 
	PRIMARY KEY (credential)
);
CREATE TABLE unlinked_refs (
	mapping TEXT NOT NULL, 
	side TEXT NOT NULL, 
	rec TEXT NOT NULL, 
	parent_mapping TEXT NOT NULL, 
	parent_side TEXT NOT NULL, 
	parent_rec TEXT NOT NULL, 
	PRIMARY KEY (mapping, side, rec, parent_mapping, parent_side, parent_rec)
);
INSERT INTO "unlinked_refs" VALUES('people','left','6','companies','left','5');
CREATE INDEX events_stored_at ON events (stored_at);
CREATE UNIQUE INDEX events_vendor_id ON events (system, vendor_id) WHERE vendor_id IS NOT NULL;
CREATE INDEX intent_keys_link ON intent_keys (link);
CREATE INDEX leases_fence ON leases (fence);
CREATE INDEX link_refs_link ON link_refs (link);
CREATE INDEX links_alias_of ON links (alias_of);
CREATE INDEX links_any_left ON links (mapping, left_rec);
CREATE INDEX links_any_right ON links (mapping, right_rec);
CREATE UNIQUE INDEX links_left ON links (mapping, left_rec) WHERE state IN ('intended', 'live', 'frozen');
CREATE UNIQUE INDEX links_right ON links (mapping, right_rec) WHERE state IN ('intended', 'live', 'frozen');
CREATE INDEX links_unsettled ON links (mapping) WHERE state IN ('intended', 'doubt') OR sent_until IS NOT NULL;
CREATE INDEX record_keys_rec ON record_keys (mapping, side, rec);
CREATE INDEX tasks_dead ON tasks (mapping) WHERE state = 'dead';
CREATE INDEX tasks_due ON tasks (lane, due, mapping) WHERE due IS NOT NULL;
CREATE INDEX tasks_pending ON tasks (mapping, state, pending) WHERE pending > 0;
CREATE INDEX tasks_waits_for ON tasks (wait_mapping, wait_side, wait_rec) WHERE wait_rec IS NOT NULL;
CREATE INDEX brake_hits_at ON brake_hits (mapping, at);
CREATE INDEX journal_at ON journal (at);
CREATE INDEX journal_other_rec ON journal (mapping, other_rec, id);
CREATE INDEX journal_rec ON journal (mapping, side, rec, id);
CREATE INDEX unlinked_refs_parent ON unlinked_refs (parent_mapping, parent_side, parent_rec);
COMMIT;
