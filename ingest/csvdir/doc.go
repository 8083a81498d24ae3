// Package csvdir reads a folder of CSV files as a source: csv:FOLDER. Each file NAME.csv
// is a table; its first line names the columns.
//
// A file schema.sql beside them declares types, keys and foreign keys by CREATE TABLE
// and ALTER TABLE as Postgres writes them; ALTER TABLE may also stand in load.sql. Without it types are read off the values, and
// keys and links off names and values, each with its reason.
//
// Files are in the CSV of Postgres' COPY (RFC 4180): UTF-8, commas, a field without
// quotes and characters is NULL, "" is an empty text. A value that its column's type
// cannot hold is read as NULL and counted in [Source.Findings].
package csvdir
