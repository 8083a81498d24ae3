-- Nasty cases of PostgreSQL schemas and values. One statement per block; blocks end
-- with a line of two dashes.
CREATE SCHEMA "Odd ""Schema"".é🙂"
--
CREATE TABLE "Odd ""Schema"".é🙂"."select" ("select" int PRIMARY KEY, "SELECT" int, "a.b""c
d" text, "é🙂\x" text)
--
INSERT INTO "Odd ""Schema"".é🙂"."select" VALUES (1, 2, 'x', 'y')
--
CREATE TABLE no_columns ()
--
INSERT INTO no_columns DEFAULT VALUES
--
INSERT INTO no_columns DEFAULT VALUES
--
CREATE TABLE only_opaque (a int[], b bytea, c point, d int4range)
--
INSERT INTO only_opaque VALUES ('[0:1]={1,2}', '\x00', '(1,2)', 'empty'), ('{}', NULL, NULL, NULL)
--
CREATE TABLE holes (a int, gone text, b int PRIMARY KEY, c text)
--
INSERT INTO holes VALUES (1, 'x', 2, 'y')
--
ALTER TABLE holes DROP COLUMN gone
--
CREATE TABLE parent (a int, b text, c int NOT NULL UNIQUE, d int UNIQUE, PRIMARY KEY (a, b))
--
INSERT INTO parent VALUES (1, 'x', 10, 100), (1, 'y', 20, NULL)
--
CREATE TABLE child (id int PRIMARY KEY, y text, x int, unique_ref int REFERENCES parent (c), nullable_ref int REFERENCES parent (d), self int REFERENCES child,
 FOREIGN KEY (x, y) REFERENCES parent (a, b))
--
INSERT INTO child VALUES (1, 'y', 1, 20, 100, NULL), (2, NULL, 1, NULL, NULL, 1), (3, 'x', 1, 10, NULL, 3)
--
CREATE TABLE orphan (id int PRIMARY KEY, child int)
--
INSERT INTO orphan VALUES (1, 1), (2, 99)
--
ALTER TABLE orphan ADD FOREIGN KEY (child) REFERENCES child NOT VALID
--
CREATE TABLE cycle_a (id int PRIMARY KEY, b int)
--
CREATE TABLE cycle_b (id int PRIMARY KEY, a int REFERENCES cycle_a DEFERRABLE)
--
ALTER TABLE cycle_a ADD FOREIGN KEY (b) REFERENCES cycle_b DEFERRABLE
--
CREATE TABLE duplicates (a int, b text)
--
INSERT INTO duplicates VALUES (1, 'x'), (1, 'x'), (NULL, NULL)
--
CREATE TABLE measure (id int, at timestamp NOT NULL, v float8, PRIMARY KEY (id, at)) PARTITION BY RANGE (at)
--
CREATE TABLE measure_old PARTITION OF measure FOR VALUES FROM (MINVALUE) TO ('2020-01-01')
--
CREATE TABLE measure_new PARTITION OF measure FOR VALUES FROM ('2020-01-01') TO (MAXVALUE) PARTITION BY LIST (id)
--
CREATE TABLE measure_new_1 PARTITION OF measure_new DEFAULT
--
ALTER TABLE measure ADD FOREIGN KEY (id) REFERENCES child
--
INSERT INTO measure VALUES (1, '2019-06-01', 1.5), (2, '2021-06-01', 2.5), (3, '2022-06-01', NULL)
--
CREATE TABLE base (id int PRIMARY KEY)
--
CREATE TABLE derived (extra text) INHERITS (base)
--
INSERT INTO base VALUES (1)
--
INSERT INTO derived VALUES (2, 'x')
--
CREATE VIEW a_view AS SELECT 1 AS x
--
CREATE MATERIALIZED VIEW a_matview AS SELECT 1 AS x WITH NO DATA
--
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')
--
CREATE DOMAIN short AS varchar(10) NOT NULL
--
CREATE DOMAIN shorter AS short CHECK (length(VALUE) < 5)
--
CREATE TYPE pair AS (a int, b text)
--
CREATE TABLE all_types (id int PRIMARY KEY, b bool, i2 int2, i8 int8, o oid, f4 float4, f8 float8, n numeric, n2 numeric(12,2), m money,
 t text, vc varchar(5), ch char(5), nm name, en mood, dom shorter, u uuid, d date, ts timestamp, tz timestamptz, ti time, tt timetz, iv interval,
 j json, jb jsonb, x xml, ip inet, net cidr, mac macaddr, bt bit(3), vb varbit, qc "char", lsn pg_lsn, p pair, arr text[], tsv tsvector, gen int GENERATED ALWAYS AS (id * 2) STORED)
--
INSERT INTO all_types VALUES
 (1, true, -32768, -9223372036854775808, 4294967295, 1.5, 0.1, 12.34, -0.5, '12.34', 'a', 'vc', 'ab ', 'nm', 'happy', 'dom', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11',
  '2024-02-29', '2024-02-29 12:00:00.123456', '2024-02-29 12:00:00+02', '23:59:59.5', '12:00:00+05', '1 day 02:00:00', '{"a":  1}', '{"b": 2, "a": 1}', '<a/>',
  '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03', '101', '1', 'q', '16/B374D848', '(1,x)', '{a,NULL}', 'a b'),
 (2, false, 32767, 9223372036854775807, 0, 'NaN', '-Infinity', 'NaN', 9999999999.99, NULL, '', '', '', '', 'sad', 'x', NULL,
  'infinity', '-infinity', 'infinity', '24:00', '24:00-12', '1 mon', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (3, NULL, NULL, NULL, NULL, NULL, NULL, 'Infinity', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'y', NULL,
  '4713-01-01 BC', '4713-01-01 BC', '294276-12-31 23:59:59.999999+00', '00:00', NULL, '-1 year', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (4, NULL, NULL, NULL, NULL, NULL, NULL, 1e131071, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'z', NULL,
  '5874897-12-31', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
--
CREATE TABLE numeric_key (k numeric(10,0) PRIMARY KEY, c char(4) UNIQUE NOT NULL)
--
INSERT INTO numeric_key VALUES (9999999999, 'ab'), (-1, 'ab c')
--
CREATE TABLE to_numeric (id int PRIMARY KEY, k numeric(10,0) REFERENCES numeric_key, c char(4) REFERENCES numeric_key (c))
--
INSERT INTO to_numeric VALUES (1, -1, 'ab'), (2, 9999999999.0, 'ab c ')
--
CREATE UNIQUE INDEX ON duplicates (a) WHERE a > 5
--
CREATE UNIQUE INDEX ON holes (lower(c))
--
CREATE UNIQUE INDEX ON child (id) INCLUDE (x)
--
CREATE TABLE a_name_of_sixty_three_bytes_which_is_all_that_a_server_keeps__1 (id bigint PRIMARY KEY)
--
CREATE TABLE a_name_of_sixty_three_bytes_which_is_all_that_a_server_keeps__2 (id int PRIMARY KEY,
 billing int REFERENCES a_name_of_sixty_three_bytes_which_is_all_that_a_server_keeps__1,
 shipping int REFERENCES a_name_of_sixty_three_bytes_which_is_all_that_a_server_keeps__1, "back\slash" text)
--
INSERT INTO a_name_of_sixty_three_bytes_which_is_all_that_a_server_keeps__1 VALUES (1), (2)
--
SET session_replication_role = replica
--
INSERT INTO a_name_of_sixty_three_bytes_which_is_all_that_a_server_keeps__2 VALUES (1, 1, 2, ''), (2, 2, 77, NULL)
--
SET session_replication_role = origin
--
CREATE TEMPORARY TABLE temporary (id int)
--
CREATE TABLE floats (k float8 PRIMARY KEY, v int)
--
INSERT INTO floats VALUES ('-0', 1), (1.5, 2)
--
CREATE TABLE extremes (id bigint PRIMARY KEY, up bigint REFERENCES extremes, constant int, nothing text)
--
INSERT INTO extremes VALUES (-9223372036854775808, 9223372036854775807, 1, NULL), (9223372036854775807, -9223372036854775808, 1, NULL)
