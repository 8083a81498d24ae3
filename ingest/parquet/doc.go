// Package parquet reads folders of Parquet files, one file a table, and writes the tables
// of a snapshot as such files. It registers the URL schemes "parquet", for any such
// folder, and "relbench", for a data set of RelBench as its Python package keeps it.
//
// Keys and foreign keys come from the metadata of the files, where this package or
// RelBench 2 wrote them, or from the manifest.yaml of RelBench 3. Where there are none,
// they can be proposed from names and values (see [ingest.Snapshot.Propose]).
package parquet
