-- Captured with: CREATE PUBLICATION p FOR ALL TABLES; a slot of plug-in pgoutput; then these
-- statements; then pg_logical_slot_get_binary_changes(slot, NULL, NULL, 'proto_version', '1',
-- 'publication_names', 'p', 'messages', 'true'), one message a line, as hex.
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE a (id int PRIMARY KEY, t text, m mood);
ALTER TABLE a ALTER t SET STORAGE EXTERNAL;
CREATE TABLE f (x numeric(8,2), y text);
ALTER TABLE f REPLICA IDENTITY FULL;
BEGIN; INSERT INTO a VALUES (1, repeat('x', 2100), 'ok'), (2, NULL, NULL); INSERT INTO f VALUES (1.5, 'é'); COMMIT;
UPDATE a SET m = 'sad' WHERE id = 1;
UPDATE a SET id = 3 WHERE id = 2;
UPDATE f SET x = 2;
ALTER TABLE a ADD z bool;
INSERT INTO a VALUES (4, '', 'ok', true);
DELETE FROM a WHERE id = 4;
DELETE FROM f;
TRUNCATE a, f RESTART IDENTITY CASCADE;
SELECT pg_logical_emit_message(true, 'pre', 'body');
SELECT pg_logical_emit_message(false, 'pre', '');
SELECT pg_replication_origin_create('far');
SELECT pg_replication_origin_session_setup('far');
BEGIN; SELECT pg_replication_origin_xact_setup('0/AB', '2026-01-01'); INSERT INTO f VALUES (NULL, NULL); COMMIT;
