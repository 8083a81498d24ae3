package ingest

type keyIndex struct{}
